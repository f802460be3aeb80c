"""The machines: what every sensor is there to show.

Sensor numbers, raw readings and event records are chosen so that each rule of
the exporter's contract is met by at least one sensor; README.md lists which.
"""

from simbmc import (
    AMPS, CELSIUS, CFM, COULOMBS, FAHRENHEIT, JOULES, LIMIT, NOT_ANALOG, ONES_COMPLEMENT, PER_SECOND, PERCENT,
    PERFORMANCE, PRESENCE, REDUNDANCY, RPM, SENSOR_SPECIFIC, STATE, THRESHOLD, TWOS_COMPLEMENT, VOLTS, WATTS,
    EventLog, Machine, long_name, packed_name, struct,
)

# Sensor types (IPMI 2.0 table 42-3).
TEMPERATURE, VOLTAGE, CURRENT, FAN, SECURITY, PROCESSOR, SUPPLY, UNIT = 1, 2, 3, 4, 5, 7, 8, 9
OTHER, MEMORY, DRIVE, LOGGING, SYSTEM_EVENT, CABLE, BOOT, SLOT = 0x0B, 0x0C, 0x0D, 0x10, 0x12, 0x1B, 0x1F, 0x21
ACPI, WATCHDOG, ENTITY, BATTERY, OEM = 0x22, 0x23, 0x25, 0x29, 0xC0


def varied(title, unreadable=True):
    """58 records (55 without the ones that nothing answers for)."""
    bmc = Machine(title)
    cpu = dict(lnc=10, lc=5, unc=85, uc=95, unr=100)
    fan = dict(lnc=10, lc=5, lnr=3)
    bmc.controller_locator("SimBMC")
    bmc.fru_locator("Builtin FRU", 0, (7, 1))
    # Temperatures: each threshold state, a negative value, equal names.
    bmc.full(0x01, "CPU1 Temp", TEMPERATURE, unit=CELSIUS, raw=45, thresholds=cpu, entity=(3, 1))
    bmc.full(0x02, "CPU2 Temp", TEMPERATURE, unit=CELSIUS, raw=97, thresholds=cpu, entity=(3, 2))
    bmc.full(0x03, "Inlet Temp", TEMPERATURE, unit=CELSIUS, raw=42, thresholds=dict(unc=40, uc=45), entity=(55, 1))
    bmc.full(0x04, "VRM Temp", TEMPERATURE, unit=CELSIUS, raw=126, thresholds=dict(unc=90, uc=110, unr=125))
    bmc.full(0x05, "Ambient Temp", TEMPERATURE, unit=CELSIUS, raw=-5, units1=TWOS_COMPLEMENT, entity=(55, 2),
             raw_range=(0x80, 0x7F))
    bmc.full(0x06, "Temp", TEMPERATURE, unit=CELSIUS, raw=33, thresholds=dict(uc=95), entity=(3, 1))
    bmc.full(0x07, "Temp", TEMPERATURE, unit=CELSIUS, raw=34, thresholds=dict(uc=95), entity=(3, 2))
    bmc.full(0x08, "Exhaust Temp", TEMPERATURE, unit=CELSIUS, thresholds=dict(uc=70), scanning=False)
    if unreadable:
        bmc.full(0x09, "Ghost Temp", TEMPERATURE, unit=CELSIUS, thresholds=dict(uc=70), exists=False)
    bmc.full(0x0A, "PCH Temp F", TEMPERATURE, unit=FAHRENHEIT, raw=140, thresholds=dict(uc=200))
    # Fans: rotations, percent of nothing, percent of rotations.
    bmc.full(0x10, "FAN1", FAN, unit=RPM, m=100, raw=56, thresholds=fan, entity=(29, 1))
    bmc.full(0x11, "FAN2", FAN, unit=RPM, m=100, raw=4, thresholds=fan, entity=(29, 2))
    bmc.full(0x12, "FAN3", FAN, unit=RPM, m=100, raw=8, thresholds=fan, entity=(29, 3))
    bmc.full(0x13, "FAN4", FAN, unit=RPM, m=75, entity=(29, 4))
    bmc.full(0x14, "Fan 1 DutyCycle", FAN, units1=PERCENT, m=392, r_exp=-3, raw=56, entity=(29, 1))
    bmc.full(0x15, "Fan 2 Percent", FAN, units1=PERCENT, unit=RPM, raw=40, entity=(29, 2))
    # Electricity: fractions, a negative offset, watts under three sensor types.
    bmc.full(0x20, "12V", VOLTAGE, unit=VOLTS, m=6, r_exp=-2, raw=200,
             thresholds=dict(lnc=190, lc=180, unc=210, uc=220))
    bmc.full(0x21, "VBAT", VOLTAGE, unit=VOLTS, m=16, r_exp=-3, raw=168, thresholds=dict(lnc=170, lc=160),
             entity=(40, 1))
    bmc.full(0x22, "-12V", VOLTAGE, unit=VOLTS, m=5, b=-15, b_exp=2, r_exp=-2, raw=60)
    bmc.full(0x23, "1.05V PCH", VOLTAGE, unit=VOLTS, m=98, r_exp=-4, raw=108)
    bmc.full(0x28, "PSU1 Current", CURRENT, unit=AMPS, m=5, r_exp=-2, raw=64, thresholds=dict(uc=200),
             entity=(10, 1))
    bmc.full(0x29, "Pwr Consumption", CURRENT, unit=WATTS, m=2, raw=70, thresholds=dict(uc=250, unc=240))
    bmc.full(0x2A, "PSU1 Input W", SUPPLY, unit=WATTS, m=4, raw=35, entity=(10, 1))
    # Units that only the generic metric knows.
    bmc.full(0x2B, "CPU Usage", OTHER, units1=PERCENT, raw=17)
    bmc.full(0x2C, "SYS Airflow", OTHER, unit=CFM, raw=30)
    bmc.full(0x2D, "Energy Rate", OTHER, unit=JOULES, units1=PER_SECOND, raw=9)
    bmc.full(0x2E, "Pwr Status", SUPPLY, event=SENSOR_SPECIFIC, offsets=0x0F, entity=(10, 1))
    # Discrete states.
    bmc.compact(0x30, "PS1 Status", SUPPLY, bits=(0,), entity=(10, 1))
    bmc.compact(0x31, "PS2 Status", SUPPLY, bits=(0, 1), entity=(10, 2))
    bmc.compact(0x32, "PS Redundancy", SUPPLY, REDUNDANCY, (0,), entity=(10, 1))
    bmc.compact(0x33, "Fan Redundancy", FAN, REDUNDANCY, (1,), entity=(29, 1))
    bmc.compact(0x34, "Drive 0", DRIVE, bits=(0,), entity=(4, 1))
    bmc.compact(0x35, "Drive 1", DRIVE, bits=(0, 1), entity=(4, 2))
    bmc.compact(0x36, "Watchdog", WATCHDOG, entity=(6, 1))
    bmc.compact(0x37, "Watchdog Fired", WATCHDOG, bits=(1,), entity=(6, 1))
    bmc.compact(0x38, "Chassis Intru", SECURITY, bits=(0,), entity=(23, 1))
    bmc.compact(0x39, "Cover Closed", SECURITY, entity=(23, 1))
    bmc.compact(0x3A, "CPU1 Status", PROCESSOR, bits=(7,), entity=(3, 1))
    bmc.compact(0x3B, "CPU2 Status", PROCESSOR, bits=(0, 7), entity=(3, 2))
    bmc.compact(0x3C, "SEL Fullness", LOGGING, bits=(5,), entity=(6, 1))
    bmc.compact(0x3D, "ACPI State", ACPI, bits=(0,))
    bmc.compact(0x3E, "OEM Sensor", OEM, 0x70, (2,))
    bmc.compact(0x3F, "OEM State", OEM, STATE, (1,))
    bmc.compact(0x40, "Power Cable", CABLE, bits=(0,), entity=(31, 1))
    bmc.compact(0x41, "PCIe Presence", SLOT, PRESENCE, (1,), entity=(11, 1), mask=3)
    bmc.compact(0x42, "BB Battery", BATTERY, bits=(0,), entity=(40, 1))
    bmc.compact(0x43, "Entity Gone", ENTITY, bits=(1,), entity=(8, 1))
    bmc.compact(0x44, "Perf Lag", MEMORY, PERFORMANCE, (1,), entity=(8, 1), mask=3)
    if unreadable:
        bmc.compact(0x45, "Unreadable Disc", DRIVE, entity=(4, 3), exists=False)
    bmc.compact(0x46, "Scanoff Disc", DRIVE, bits=(0,), entity=(4, 4), scanning=False)
    bmc.compact(0x47, "Discrete Temp", TEMPERATURE, LIMIT, (1,), entity=(3, 1), mask=3)
    # One record for several sensors, numbered and lettered.
    bmc.compact(0x50, "DIMM ", MEMORY, bits=((6,), (6,), (0, 6), (1, 6)), entity=(8, 1), share=4, first=1,
                entity_grows=True)
    bmc.compact(0x60, "Slot ", SLOT, bits=((2,), (0, 2)), entity=(11, 1), share=2, letters=True)
    # Nothing of these is a sensor of this BMC.
    bmc.event_only(0x70, "SysEvent", SYSTEM_EVENT)
    bmc.oem_record([0xA2, 0x02, 0x00, 0xDE, 0xAD, 0xBE, 0xEF])
    if unreadable:
        bmc.full(0x01, "Satellite Temp", TEMPERATURE, unit=CELSIUS, thresholds=dict(uc=90), entity=(15, 1),
                 owner=0x30, exists=False)
    bmc.fru(["Example Corp", "Sim Board", "BSN0001", "BPN-42", "fru1"],
            ["Example Corp", "Sim Server", "PPN-7", "v1", "PSN0001", "asset-9", ""])
    # The satellite exists; only bridged requests reach it.
    bmc.extra.append("mc_add 0x30 0x30 no-device-sdrs 0x01 0x01 0x00 0x01 0x0002a2 0x0200")
    satellite = Machine("")
    satellite.sensor(0x01, TEMPERATURE, THRESHOLD, events=0x200, readable=0x10, thresholds=dict(uc=90), owner=0x30,
                     raw=61)
    bmc.extra += [*satellite.sensors, "mc_enable 0x30"]
    return bmc


def named(title, *names):
    """A good sensor, and one more for each odd name (text, or encoded bytes)."""
    bmc = Machine(title, sel_size=100)
    for number, name in enumerate(["Good Temp", *names], start=1):
        encoded = None if isinstance(name, str) else name
        bmc.full(number, name if encoded is None else "(encoded)", TEMPERATURE, unit=CELSIUS, raw=40,
                 encoded_name=encoded)
    return bmc


def shared():
    bmc = Machine("Shared compact records with letters and with numbers", sel_size=100)
    bmc.compact(0x10, "Slot", SLOT, bits=(2,), share=3, letters=True, mask=0x7FFF)
    bmc.compact(0x20, "Bay", DRIVE, bits=(0,), share=3, mask=0x7FFF)
    return bmc


def conversion():
    """Linearisations, signed formats, rounding edges, very big and very small values."""
    bmc = Machine("Conversion formulas", sel_size=100)
    degrees = dict(unit=CELSIUS)
    volts = dict(unit=VOLTS)
    bmc.full(1, "Linear", TEMPERATURE, raw=40, **degrees)
    bmc.full(2, "Sqrt", TEMPERATURE, raw=81, linear=10, **degrees)
    bmc.full(3, "Log10", TEMPERATURE, raw=100, linear=2, **degrees)
    bmc.full(4, "OneOver", TEMPERATURE, raw=4, linear=7, **degrees)
    bmc.full(5, "NonLinear", TEMPERATURE, raw=40, linear=0x70, **degrees)
    bmc.full(6, "NoAnalog", TEMPERATURE, raw=40, units1=NOT_ANALOG, **degrees)
    bmc.full(7, "OnesCompl", TEMPERATURE, raw=0xFA, units1=ONES_COMPLEMENT, **degrees)
    bmc.full(8, "TwosCompl", TEMPERATURE, raw=0xFA, units1=TWOS_COMPLEMENT, **degrees)
    bmc.compact(9, "CompactThresh", FAN, THRESHOLD, unit=RPM, raw=30, mask=0)
    bmc.full(10, "Neg frac", VOLTAGE, raw=0xF9, units1=TWOS_COMPLEMENT, m=3, r_exp=-3, **volts)
    bmc.full(11, "Pos frac", VOLTAGE, raw=1, m=5, r_exp=-3, **volts)
    bmc.full(12, "Big", FAN, unit=RPM, raw=255, m=511, r_exp=5)
    bmc.full(13, "Tiny", VOLTAGE, raw=255, r_exp=-8, **volts)
    bmc.full(14, "Ln", TEMPERATURE, raw=100, linear=1, **degrees)
    bmc.full(15, "Log2", TEMPERATURE, raw=100, linear=3, **degrees)
    bmc.full(16, "Exp", TEMPERATURE, raw=3, linear=4, **degrees)
    bmc.full(17, "Exp10", TEMPERATURE, raw=3, linear=5, **degrees)
    bmc.full(18, "Exp2", TEMPERATURE, raw=10, linear=6, **degrees)
    bmc.full(19, "Square", TEMPERATURE, raw=12, linear=8, **degrees)
    bmc.full(20, "Cube", TEMPERATURE, raw=5, linear=9, **degrees)
    bmc.full(21, "CubeRoot", TEMPERATURE, raw=27, linear=11, **degrees)
    bmc.full(22, "Charge", OTHER, raw=7, unit=COULOMBS)
    return bmc


def events(oem=True):
    """Severities, both directions, OEM records, odd time stamps, unknown sensors."""
    start = 1_700_000_000  # 2023-11-14 22:13:20 UTC
    none = (0xFF, 0xFF)
    log = EventLog(erased=start - 86_400)
    log.event(start, TEMPERATURE, 0x02, THRESHOLD, (0x59, 0x61, 0x5F))
    log.event(start + 60, TEMPERATURE, 0x02, THRESHOLD, (0x59, 0x5D, 0x5F), deassert=True)
    log.event(start + 120, SUPPLY, 0x31, SENSOR_SPECIFIC, (1, *none))
    log.event(start + 3_600, MEMORY, 0x52, SENSOR_SPECIFIC, (0, *none))
    log.event(start + 7_200, MEMORY, 0x52, SENSOR_SPECIFIC, (0x20, 0xFF, 0x34))
    log.event(start + 7_300, MEMORY, 0x53, SENSOR_SPECIFIC, (1, *none))
    log.event(start + 10_000, SECURITY, 0x38, SENSOR_SPECIFIC, (0, *none))
    log.event(start + 10_100, WATCHDOG, 0x36, SENSOR_SPECIFIC, (1, *none))
    log.event(0x10, MEMORY, 0x51, SENSOR_SPECIFIC, (0, *none))  # counted from power-on
    if oem:
        log.oem(0xC0, struct.pack("<I", start + 20_000) + bytes([0xA2, 0x02, 0x00, 1, 2, 3, 4, 5, 6]))
        log.oem(0xE0, range(1, 14))
    log.event(start + 30_000, BOOT, 0x00, SENSOR_SPECIFIC, (1, *none), generator=0x0041)
    log.event(start + 30_100, OEM, 0x3E, 0x70, (0x02, 0x11, 0x22))
    log.event(start + 30_200, LOGGING, 0x3C, SENSOR_SPECIFIC, (2, *none))
    log.event(0xFFFFFFFF, DRIVE, 0x35, SENSOR_SPECIFIC, (1, *none))  # unspecified
    log.event(start + 40_000, VOLTAGE, 0x20, THRESHOLD, (0x57, 0xD3, 0xD2))
    log.event(start + 40_100, MEMORY, 0x50, SENSOR_SPECIFIC, (5, *none), deassert=True)
    return log


def events_with_commas():
    """The varied log, then texts with a comma, which the stock exporter does not count."""
    log = events()
    start = 1_700_050_000
    none = (0xFF, 0xFF)
    log.event(start, WATCHDOG, 0x36, SENSOR_SPECIFIC, (0, *none))  # timer expired, status only
    log.event(start + 10, SUPPLY, 0x30, SENSOR_SPECIFIC, (5, *none))  # out of range, but present
    log.event(start + 20, SUPPLY, 0x30, SENSOR_SPECIFIC, (1, *none))
    log.event(start + 30, FAN, 0x11, THRESHOLD, (0x52, 0x04, 0x05))
    log.event(start + 40, FAN, 0x33, REDUNDANCY, (1, *none))
    return log


def hundred():
    """What a benchmark needs: 100 sensors that all answer, 72 analog and 28 discrete."""
    bmc = Machine("100 readable sensors, for benchmarks")
    bmc.controller_locator("BenchBMC")
    hot = dict(lnc=5, lc=3, unc=85, uc=95, unr=100)
    number = 0

    def next_number():
        nonlocal number
        number += 1
        return number

    for cpu in (1, 2):
        bmc.full(next_number(), f"CPU{cpu} Temp", TEMPERATURE, unit=CELSIUS, raw=48 + cpu, thresholds=hot,
                 entity=(3, cpu))
    for slot in range(1, 17):
        bmc.full(next_number(), f"DIMM {slot:02} Temp", TEMPERATURE, unit=CELSIUS, raw=35 + slot % 5,
                 thresholds=dict(unc=80, uc=85), entity=(32, slot))
    for place in range(1, 11):
        bmc.full(next_number(), f"Board Temp {place}", TEMPERATURE, unit=CELSIUS, raw=30 + place,
                 thresholds=dict(uc=80), entity=(7, place))
    for fan in range(1, 17):
        bmc.full(next_number(), f"Fan {fan:02}", FAN, unit=RPM, m=100, raw=60 + fan,
                 thresholds=dict(lnc=10, lc=5), entity=(29, fan))
    for rail in range(1, 19):
        bmc.full(next_number(), f"Rail {rail:02}", VOLTAGE, unit=VOLTS, m=7 + rail, r_exp=-3, raw=150,
                 thresholds=dict(lc=120, uc=180), entity=(7, rail))
    for supply in (1, 2):
        entity = (10, supply)
        bmc.full(next_number(), f"PSU{supply} Current", CURRENT, unit=AMPS, m=5, r_exp=-2, raw=40, entity=entity)
        bmc.full(next_number(), f"PSU{supply} Power", SUPPLY, unit=WATTS, m=4, raw=50, entity=entity)
        bmc.full(next_number(), f"PSU{supply} Temp", TEMPERATURE, unit=CELSIUS, raw=38, entity=entity)
        bmc.full(next_number(), f"PSU{supply} Fan", FAN, units1=PERCENT, raw=42, entity=entity)
    bmc.full(next_number(), "Inlet Temp", TEMPERATURE, unit=CELSIUS, raw=24, thresholds=dict(unc=38, uc=42),
             entity=(55, 1))
    bmc.full(next_number(), "Airflow", OTHER, unit=CFM, raw=62)
    for supply in (1, 2):
        bmc.compact(next_number(), f"PSU{supply} Status", SUPPLY, bits=(0,), entity=(10, supply))
    for bay in range(12):
        bmc.compact(next_number(), f"Drive {bay:02}", DRIVE, bits=(0,), entity=(4, bay + 1))
    for cpu in (1, 2):
        bmc.compact(next_number(), f"CPU{cpu} Status", PROCESSOR, bits=(7,), entity=(3, cpu))
    for channel in "ABCDEFGH":
        bmc.compact(next_number(), f"DIMM {channel} ECC", MEMORY, bits=(6,), entity=(32, ord(channel) - 64))
    bmc.compact(next_number(), "PSU Redundancy", SUPPLY, REDUNDANCY, (0,), entity=(10, 1))
    bmc.compact(next_number(), "Intrusion", SECURITY, entity=(23, 1))
    bmc.compact(next_number(), "ACPI State", ACPI, bits=(0,))
    bmc.compact(next_number(), "Board Battery", BATTERY, entity=(40, 1))
    assert number == 100, number
    return bmc


MACHINES = {
    "varied": lambda: varied("Every kind of sensor, some of them unreadable"),
    "clean": lambda: varied("Every kind of sensor that answers", unreadable=False),
    "comma-name": lambda: named("A name with a comma", "Temp, CPU"),
    "quote-name": lambda: named("A name with quotes", 'Fan "A"'),
    "newline-name": lambda: named("An empty name, a backslash, a line feed", "", "Back\\slash", "New\nline"),
    "blank-name": lambda: named("An empty name, a backslash, blanks at both ends", "", "Back\\slash", "  padded  "),
    "latin1-name": lambda: named("A name with a degree sign in Latin-1", "Temp \xb0C"),
    "long-name": lambda: named("A name of 24 bytes", long_name("Inlet Temperature Sensor")),
    "packed-name": lambda: named("A name in 6-bit packed ASCII", packed_name("PKD TEMP")),
    "no-records": lambda: Machine("An empty SDR repository", sel_size=100),
    "shared": shared,
    "conversion": conversion,
    "hundred": hundred,
}
EVENT_LOGS = {"varied": events, "clean": lambda: events(oem=False), "commas": events_with_commas}
