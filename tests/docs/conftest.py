"""The pages of the project, taken apart into their commands and programs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
