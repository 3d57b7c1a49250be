"""What the tests of rigs elsewhere share: the small world of a session, and folders of modules."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "session")]
