"""A scheduler on loopback: python far_scheduler.py PORT"""

import asyncio
import sys

from distributed import Scheduler


async def main(port: int) -> None:
    async with Scheduler(host="127.0.0.1", port=port, dashboard_address="127.0.0.1:0") as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
