"""A BMC made of pyghmi's server, for the tests: chassis, identity, one sensor.

usage: bmc.py ADDRESS PORT USER PASSWORD [K_G]

Sessions, log-in and packets are pyghmi's; only the answers to the commands are
written here.
"""

import struct
import sys

from pyghmi.ipmi import bmc

APP, SENSOR, STORAGE = 6, 4, 10
TEMPERATURE = 37
NOT_PRESENT = 0xCB

# A full sensor record (IPMI 2.0 table 43-1): a temperature whose value is its
# raw reading.
NAME = b"Inlet Temp"
BODY = bytes(
    [0x20, 0x00, 0x01, 0x07, 0x01, 0x7F, 0x68, 0x01, 0x01]  # owner to event type
    + [0, 0, 0, 0, 0, 0]  # masks
    + [0x00, 0x01, 0x00, 0x00]  # unsigned, degrees C, linear
    + [0x01, 0x00, 0x00, 0x00, 0x00, 0x00]  # value = raw
    + [0] * 14  # limits and thresholds: none
    + [0] * 3  # reserved, OEM
    + [0xC0 | len(NAME)]
) + NAME
RECORD = struct.pack("<HBBB", 1, 0x51, 0x01, len(BODY)) + BODY


class Bmc(bmc.Bmc):
    def get_power_state(self):
        return "on"

    def handle_raw_request(self, request, session):
        command = (request["netfn"], request["command"])
        data = bytes(request["data"])
        if command == (STORAGE, 0x20):  # Get SDR Repository Info
            info = struct.pack("<BHHIIB", 0x51, 1, 0, 1, 1, 0x22)
            return session.send_ipmi_response(data=list(info))
        if command == (STORAGE, 0x22):  # Reserve SDR Repository
            return session.send_ipmi_response(data=[1, 0])
        if command == (STORAGE, 0x23):  # Get SDR
            record, offset, count = struct.unpack("<xxHBB", data)
            if record not in (0, 1):
                return session.send_ipmi_response(code=NOT_PRESENT)
            end = len(RECORD) if count == 0xFF else offset + count
            return session.send_ipmi_response(
                data=[0xFF, 0xFF] + list(RECORD[offset:end])
            )
        if command == (SENSOR, 0x2D):  # Get Sensor Reading
            if data != b"\x01":
                return session.send_ipmi_response(code=NOT_PRESENT)
            return session.send_ipmi_response(data=[TEMPERATURE, 0xC0, 0xC0])
        return super().handle_raw_request(request, session)


def main():
    address, port, user, password = sys.argv[1:5]
    server = Bmc({user: password}, port=int(port), address=address)
    if len(sys.argv) > 5:
        server.set_kg(sys.argv[5])
    server.listen()


if __name__ == "__main__":
    main()
