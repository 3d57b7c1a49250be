"""The first words with a device: which board this is, what it runs, what hangs on its lines."""

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.interface import Identity, Limits, LineInfo, RigError, WrongDevice
from hardware.link import Exchange, Link
from hardware.messages import LineKind, Request, Reset, Status, interface


@dataclass(frozen=True, slots=True)
class Expected:
    """What a rig's document says about its board; None accepts every one."""

    device_id: str | None = None
    build: str | None = None


def identify(link: Link, exchange: Exchange, expected: Expected) -> Identity:
    """Compare HELLO's answer with what is expected, then read the table of lines.

    Raises:
        WrongDevice: for another program's firmware, another board or another build.
        Disconnected: when it stops answering.
    """
    fields = exchange.reply.fields
    device_id, build = f"{fields['device_id']:016x}", f"{fields['build']:08x}"
    if fields["interface"] != interface():
        raise WrongDevice(
            f"the firmware on {link.port} (build {build}) was made for messages "
            f"{fields['interface']:08x}, this program for {interface():08x}: "
            "flash the firmware that came with this program"
        )
    if expected.device_id not in (None, device_id):
        raise WrongDevice(
            f"expected device {expected.device_id} on {link.port}, device {device_id} answered: "
            "plug the right board in, or change the port or the device in the rig's document"
        )
    if expected.build not in (None, build):
        raise WrongDevice(
            f"expected firmware build {expected.build} on {link.port}, got {build}: "
            "flash that build, or change it in the rig's document and check the rig again"
        )
    return Identity(
        origin="simavr" if link.is_virtual else "real",
        device_id=device_id,
        firmware=_version(int(fields["firmware"])),
        build=build,
        boot_id=int(fields["boot_id"]),
        lines=tuple(_line(link, index) for index in range(int(fields["lines"]))),
    )


def reset_name(fields: Mapping[str, int | str]) -> str:
    """Return why a device started, as HELLO and BOOT tell it."""
    try:
        return Reset(int(fields["reset"])).name
    except ValueError:
        return Reset.UNKNOWN.name


def _version(firmware: int) -> str:
    return f"{firmware >> 24}.{firmware >> 16 & 255}.{firmware & 65535}"


def _line(link: Link, index: int) -> LineInfo:
    reply = link.request(Request.LINE, line=index).reply
    if reply.status != Status.OK:
        raise RigError(
            f"line {index} of the device on {link.port} can't be read ({reply.status.name}): "
            "flash the firmware that came with this program"
        )
    fields: Mapping = reply.fields
    return LineInfo(
        name=fields["name"],
        kind=LineKind(fields["kind"]).name.lower(),
        pin=fields["pin"],
        index=index,
        ceiling=Limits(fields["max_us"], fields["gap_us"], fields["budget_us"]),
    )
