"""The samples are a module, because the torture test's processes use them too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
