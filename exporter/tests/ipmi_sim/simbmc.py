"""Encodes described machines for OpenIPMI's ipmi_sim.

A machine is described sensor by sensor; this module derives two things from
each description that must agree: the bytes of its sensor data record (IPMI 2.0
section 43) and the simulator commands that create the sensor behind it.
"""

import struct
from dataclasses import dataclass, field

BMC = 0x20

# Base unit codes (IPMI 2.0 table 43-15).
UNSPECIFIED, CELSIUS, FAHRENHEIT, VOLTS, AMPS, WATTS, JOULES, COULOMBS = 0, 1, 2, 4, 5, 6, 7, 8
CFM, RPM = 17, 18
PERCENT = 0x01  # units 1, bit 0
PER_SECOND = 3 << 3  # units 1, rate
ONES_COMPLEMENT, TWOS_COMPLEMENT, NOT_ANALOG = 0x40, 0x80, 0xC0

# Event/reading types (table 42-1).
THRESHOLD, STATE, PREDICTIVE, LIMIT, PERFORMANCE, PRESENCE, REDUNDANCY = 1, 3, 4, 5, 6, 8, 0x0B
SENSOR_SPECIFIC = 0x6F

# Thresholds in the order of the comparison bits of Get Sensor Reading.
THRESHOLDS = ("lnc", "lc", "lnr", "unc", "uc", "unr")
# The order in which SDRs and the simulator list threshold values.
THRESHOLD_VALUES = ("unr", "uc", "unc", "lnr", "lc", "lnc")


def hexed(data):
    return " ".join(f"0x{byte:02x}" for byte in data)


def plain_name(text):
    """Type/length byte and bytes of an 8-bit ID string."""
    raw = text.encode("latin-1")
    if len(raw) > 16:
        raise ValueError(f"ID string longer than 16 bytes: {text!r}")
    return [0xC0 | len(raw), *raw]


def long_name(text):
    """The same, longer than the specification allows."""
    raw = text.encode("ascii")
    if not 16 < len(raw) < 32:
        raise ValueError(f"not a long ID string: {text!r}")
    return [0xC0 | len(raw), *raw]


def packed_name(text):
    """The same in 6-bit packed ASCII: four characters in three bytes."""
    codes = [ord(char) - 0x20 for char in text]
    if len(codes) % 4 or any(not 0 <= code < 64 for code in codes):
        raise ValueError(f"not packable without padding: {text!r}")
    packed = []
    for at in range(0, len(codes), 4):
        group = sum(code << (6 * place) for place, code in enumerate(codes[at : at + 4]))
        packed += group.to_bytes(3, "little")
    return [0x80 | len(packed), *packed]


def ten_bits(value):
    """M or B: the low byte, then the two high bits in bits 6-7 of the next."""
    value &= 0x3FF
    return [value & 0xFF, value >> 8 << 6]


def mask15(bits):
    """A 15-bit event mask as the simulator writes it, bit 14 first."""
    return f"{bits & 0x7FFF:015b}"


@dataclass
class Machine:
    """One simulated BMC: its records, and the commands for what is behind them."""

    title: str
    sel_size: int = 1000
    # IPMI device id 01h, revision 2, firmware 2.37 (minor is BCD), maker 674, product 256.
    device: str = "0x01 0x02 0x37 0x9f 0x0002a2 0x0100"
    records: list = field(default_factory=list)
    sensors: list = field(default_factory=list)
    extra: list = field(default_factory=list)
    count: int = 0

    def record(self, kind, body, note):
        """Adds an SDR; record ids count from 1 in the order of the description."""
        self.count += 1
        header = [*struct.pack("<H", self.count), 0x51, kind, len(body)]
        self.records.append(f"# record {self.count}: {note}")
        self.records.append(f"main_sdr_add 0x{BMC:02x} {hexed([*header, *body])}")

    def full(self, number, name, kind, *, unit=UNSPECIFIED, raw=0, units1=0, m=1, b=0, b_exp=0, r_exp=0,
             linear=0, thresholds=None, entity=(7, 1), event=THRESHOLD, offsets=0, scanning=True,
             owner=BMC, exists=True, encoded_name=None, raw_range=(0, 255)):
        """A full sensor record (01h): analog unless `event` says otherwise.

        `exists=False` writes the record without a sensor behind it.
        """
        thresholds = thresholds or {}
        readable = sum(1 << place for place, key in enumerate(THRESHOLDS) if key in thresholds)
        if event == THRESHOLD:
            # Event bits come in pairs (going low, going high); lower thresholds are supported
            # going low, upper ones going high.
            events = sum(1 << (2 * place + (place >= 3)) for place in range(6) if readable >> place & 1)
            asserted = (readable & 7) << 12 | events
            deasserted = (readable >> 3) << 12 | events
            reading_mask = readable
        else:
            events = asserted = deasserted = reading_mask = offsets
        body = [
            owner, 0, number, *entity,
            0x7F if scanning else 0x3E,
            0x40 | (0x04 if thresholds else 0),
            kind, event,
            *struct.pack("<HHH", asserted, deasserted, reading_mask),
            units1, unit, 0, linear,
            *ten_bits(m), *ten_bits(b), 0, (r_exp & 15) << 4 | (b_exp & 15),
            0, 0, 0, 0, raw_range[1], raw_range[0],
            *(thresholds.get(key, 0) for key in THRESHOLD_VALUES),
            0, 0, 0, 0, 0,
            *(encoded_name or plain_name(name)),
        ]
        self.record(0x01, body, f"sensor {number:02x}h {name!r}")
        if exists:
            self.sensor(number, kind, event, events=events, scanning=scanning, readable=readable,
                        thresholds=thresholds, owner=owner, raw=raw if event == THRESHOLD else None)

    def compact(self, number, name, kind, event=SENSOR_SPECIFIC, bits=(), *, entity=(7, 1), mask=0xFF, share=1,
                letters=False, first=0, entity_grows=False, unit=UNSPECIFIED, scanning=True, exists=True,
                raw=None):
        """A compact record (02h); `share` sensors stand behind it, `bits` may then be one tuple per sensor."""
        body = [
            BMC, 0, number, *entity, 0x67, 0x40, kind, event,
            *struct.pack("<HHH", mask, mask, mask),
            0, unit, 0,
            letters << 4 | share, entity_grows << 7 | first,
            0, 0, 0, 0, 0, 0,
            *plain_name(name),
        ]
        self.record(0x02, body, f"sensor {number:02x}h {name!r}" + (f", shared by {share}" if share > 1 else ""))
        if exists:
            for member in range(share):
                set_bits = bits[member] if bits and isinstance(bits[0], tuple) else bits
                self.sensor(number + member, kind, event, events=mask, scanning=scanning, bits=set_bits, raw=raw)

    def sensor(self, number, kind, event, *, events=0, scanning=True, readable=0, thresholds=None, owner=BMC,
               raw=None, bits=()):
        """The simulator's commands for the sensor itself."""
        at = f"0x{owner:02x} 0 0x{number:02x}"
        say = self.sensors.append
        say(f"sensor_add {at} 0x{kind:02x} 0x{event:02x}")
        if readable:
            values = hexed(thresholds.get(key, 0) for key in THRESHOLD_VALUES)
            say(f"sensor_set_threshold {at} readable {readable:06b} {values}")
        masks = " ".join([mask15(events)] * 4)
        say(f"sensor_set_event_support {at} enable {'scanning' if scanning else 'no-scanning'} per-state {masks}")
        if raw is not None:
            say(f"sensor_set_value {at} 0x{raw & 0xFF:02x} 0")
        for bit in bits:
            say(f"sensor_set_bit {at} {bit} 1 0")

    def event_only(self, number, name, kind, entity=(7, 1)):
        self.record(0x03, [BMC, 0, number, *entity, kind, SENSOR_SPECIFIC, 1, 0, 0, 0, *plain_name(name)],
                    f"event-only sensor {number:02x}h {name!r}")

    def controller_locator(self, name):
        self.record(0x12, [BMC, 0, 0, 0x9F, 0, 0, 0, 6, 1, 0, *plain_name(name)], f"controller locator {name!r}")

    def fru_locator(self, name, device, entity):
        self.record(0x11, [BMC, device, 0x80, 0, 0, 0x10, 0, *entity, 0, *plain_name(name)],
                    f"FRU locator {name!r}")

    def oem_record(self, payload):
        self.record(0xC0, payload, "OEM")

    def fru(self, board, product):
        """FRU device 0: board and product area (FRU storage definition 1.0)."""
        def area(fixed, texts):
            body = list(fixed)
            for text in texts:
                body += [0xC0 | len(text), *text.encode("ascii")]
            body.append(0xC1)
            blocks = (len(body) + 3 + 7) // 8
            body = [1, blocks, *body]
            body += [0] * (8 * blocks - 1 - len(body))
            return [*body, -sum(body) & 0xFF]

        board_area = area([0, 0, 0, 0xA0], board)
        product_area = area([0], product)
        header = [1, 0, 0, 1, 1 + len(board_area) // 8, 0, 0]
        data = [*header, -sum(header) & 0xFF, *board_area, *product_area]
        self.extra.append(f"mc_add_fru_data 0x{BMC:02x} 0 512 data {hexed(data)}")

    def text(self):
        return "\n".join([
            f"# {self.title}",
            "# Written by generate.py; change machines.py instead.",
            f"mc_setbmc 0x{BMC:02x}",
            f"mc_add 0x{BMC:02x} 0x{BMC:02x} no-device-sdrs {self.device}",
            f"sel_enable 0x{BMC:02x} {self.sel_size} 0x0a",
            *self.records,
            *self.sensors,
            *self.extra,
            f"mc_enable 0x{BMC:02x}",
            "",
        ])


@dataclass
class EventLog:
    """A system event log in the form of the simulator's persistent state."""

    erased: int
    records: list = field(default_factory=list)
    newest: int = 0

    def event(self, time, kind, number, event, data, *, generator=0x0020, deassert=False):
        """A system event record (02h)."""
        self.records.append(
            struct.pack("<HBIHB", len(self.records) + 1, 0x02, time, generator, 0x04)
            + bytes([kind, number, event | deassert << 7, *data]))
        if time != 0xFFFFFFFF:
            self.newest = max(self.newest, time)

    def oem(self, kind, rest):
        """An OEM record (C0h-FFh); `rest` is everything after the type byte."""
        self.records.append(struct.pack("<HB", len(self.records) + 1, kind) + bytes(rest))

    def text(self):
        # The simulator keeps the newest record first.
        lines = [f"{struct.unpack_from('<H', record)[0]}:d:" + "".join(f"\\{byte:02x}" for byte in record)
                 for record in reversed(self.records)]
        return "\n".join([*lines, f"last_erase_time:i:{self.erased}", f"last_add_time:i:{self.newest}", ""])
