"""A rig's computer: python far_rig.py ADDRESS LAB NAME"""

import asyncio
import sys
from pathlib import Path

from controller.rigs import host, worker
from controller.session.errors import NotReady

HERE = Path(__file__).parent
COMMAND = (sys.executable, str(HERE / "far_session.py"))


async def main(address: str, lab: Path, name: str) -> None:
    ended = asyncio.Event()
    one = host.LabHost(lab, None, name, "emulated", COMMAND)
    with worker.ending_on_signals(ended, lambda: one.busy is not None):
        await worker.serve(address, name, one, lambda text: print(text, flush=True), ended)


if __name__ == "__main__":
    worker.AGAIN_S = 0.3
    try:
        asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
    except NotReady as error:
        print(f"refused: {error}", flush=True)
        sys.exit(1)
