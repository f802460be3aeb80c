/*
 * ipmi_sim plug-in with the commands that the simulator lacks and the
 * collectors need. The test harness compiles and loads it; see README.md.
 *
 * Always: chassis status (on, drive fault), watchdog timer, system info
 * parameters, Supermicro LAN mode (failover), DCMI power reading (158 W).
 *
 * Options, separated by blanks:
 *   NN=CC         Get Sensor Reading of sensor NN (hex) fails with completion code CC (hex)
 *   NN=na         ... answers with the "reading unavailable" bit
 *   dcmi=idle     DCMI answers, but says that power is not being measured
 *   sysinfo=url   of the system info parameters only the BMC's URL exists
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <OpenIPMI/msg.h>
#include <OpenIPMI/serv.h>
#include <OpenIPMI/mcserv.h>

enum { NETFN_CHASSIS = 0x00, NETFN_SENSOR = 0x04, NETFN_APP = 0x06, NETFN_SUPERMICRO = 0x30, GROUP_DCMI = 0xDC };
enum { GET_CHASSIS_STATUS = 0x01, GET_SENSOR_READING = 0x2D, GET_WATCHDOG = 0x25, GET_SYSTEM_INFO = 0x59, LAN_MODE = 0x70 };
enum { OK = 0x00, PARAMETER_UNSUPPORTED = 0x80, TOO_SHORT = 0xC7 };
enum { ANSWERS = 0, UNAVAILABLE = 1 }; /* no completion code a BMC would give here */

extern cmd_handler_f sensor_event_netfn_handlers[256];
static cmd_handler_f simulated_reading;
static unsigned char fate_of_sensor[256];
static int dcmi_idle, only_url;

static void answer(unsigned char *out, unsigned int *length, const unsigned char *bytes, unsigned int count)
{
    memcpy(out, bytes, count);
    *length = count;
}

static void refuse(unsigned char *out, unsigned int *length, unsigned char code)
{
    answer(out, length, &code, 1);
}

static void chassis_status(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *length, void *unused)
{
    static const unsigned char on_with_drive_fault[] = { OK, 0x21, 0x10, 0x04, 0x00 };

    answer(out, length, on_with_drive_fault, sizeof on_with_drive_fault);
}

static void watchdog(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *length, void *unused)
{
    /* running for SMS/OS, power cycle at the end, 300.0 s set, 200.0 s left */
    static const unsigned char timer[] = { OK, 0x44, 0x03, 0, 0, 0xB8, 0x0B, 0xD0, 0x07 };

    answer(out, length, timer, sizeof timer);
}

static void system_info(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *length, void *unused)
{
    static const char *const texts[] = { NULL, "2.6.1", "sim-server", "Linux", "Debian", "12", "https://bmc.example/" };
    const unsigned int known = sizeof texts / sizeof texts[0];
    unsigned char block[19] = { OK, 0x11 };
    unsigned int parameter, set, head, skip, room;
    const char *text;

    if (msg->len < 4) {
        refuse(out, length, TOO_SHORT);
        return;
    }
    parameter = msg->data[1];
    set = msg->data[2];
    if (parameter == 0) {
        answer(out, length, block, 3); /* set complete */
        return;
    }
    if (parameter >= known || (only_url && parameter != known - 1)) {
        refuse(out, length, PARAMETER_UNSUPPORTED);
        return;
    }
    text = texts[parameter];
    block[2] = set;
    if (set == 0)
        block[4] = strlen(text); /* and block[3] 0: ASCII and Latin-1 */
    head = set == 0 ? 5 : 3;
    skip = set == 0 ? 0 : 14 + 16 * (set - 1);
    room = sizeof block - head;
    if (skip < strlen(text))
        strncpy((char *)block + head, text + skip, room);
    answer(out, length, block, sizeof block);
}

static void dcmi(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *length, void *unused)
{
    static const unsigned char capabilities[] = { OK, GROUP_DCMI, 1, 5, 2, 0x00, 0x01, 0x07 };
    /* now 158 W, least 1 W, most 402 W, mean 159 W, over 1000 ms; last byte: measuring */
    unsigned char power[] = { OK, GROUP_DCMI, 158, 0, 1, 0, 0x92, 0x01, 159, 0,
                              0x00, 0xF1, 0x53, 0x65, 0xE8, 0x03, 0, 0, 0x40 };

    if (dcmi_idle) {
        power[2] = 0;
        power[sizeof power - 1] = 0;
    }
    if (msg->cmd == 0x01)
        answer(out, length, capabilities, sizeof capabilities);
    else if (msg->cmd == 0x02)
        answer(out, length, power, sizeof power);
    else
        handle_invalid_cmd(mc, out, length);
}

static void lan_mode(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *length, void *unused)
{
    static const unsigned char failover[] = { OK, 0x02 };

    if (msg->len >= 1 && msg->data[0] == 0x0C)
        answer(out, length, failover, sizeof failover);
    else
        handle_invalid_cmd(mc, out, length);
}

static void sensor_reading(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *length, void *unused)
{
    static const unsigned char unavailable[] = { OK, 0x00, 0xE0, 0xC0, 0x00 };
    unsigned char fate = ANSWERS;

    if (msg->len >= 1 && msg->rs_addr == 0x20)
        fate = fate_of_sensor[msg->data[0]];
    if (fate == ANSWERS)
        simulated_reading(mc, msg, out, length, unused);
    else if (fate == UNAVAILABLE)
        answer(out, length, unavailable, sizeof unavailable);
    else
        refuse(out, length, fate);
}

/* Returns 0, or -1 for an option that means nothing here. */
static int understand(const char *option)
{
    unsigned int sensor, code;
    int end = 0;

    if (strcmp(option, "dcmi=idle") == 0) {
        dcmi_idle = 1;
    } else if (strcmp(option, "sysinfo=url") == 0) {
        only_url = 1;
    } else if (sscanf(option, "%2x=na%n", &sensor, &end) == 1 && end > 0 && option[end] == 0) {
        fate_of_sensor[sensor] = UNAVAILABLE;
    } else if (sscanf(option, "%2x=%2x%n", &sensor, &code, &end) == 2 && option[end] == 0) {
        fate_of_sensor[sensor] = code;
    } else {
        return -1;
    }
    return 0;
}

int ipmi_sim_module_print_version(sys_data_t *sys, const char *options)
{
    return 0;
}

int ipmi_sim_module_init(sys_data_t *sys, const char *options)
{
    char *copy = strdup(options), *rest = NULL, *option;

    for (option = strtok_r(copy, " ", &rest); option; option = strtok_r(NULL, " ", &rest)) {
        if (understand(option) != 0) {
            fprintf(stderr, "extras: unknown option '%s'\n", option);
            exit(1);
        }
    }
    free(copy);
    simulated_reading = sensor_event_netfn_handlers[GET_SENSOR_READING];
    ipmi_emu_register_cmd_handler(NETFN_SENSOR, GET_SENSOR_READING, sensor_reading, NULL);
    ipmi_emu_register_cmd_handler(NETFN_CHASSIS, GET_CHASSIS_STATUS, chassis_status, NULL);
    ipmi_emu_register_cmd_handler(NETFN_APP, GET_WATCHDOG, watchdog, NULL);
    ipmi_emu_register_cmd_handler(NETFN_APP, GET_SYSTEM_INFO, system_info, NULL);
    ipmi_emu_register_cmd_handler(NETFN_SUPERMICRO, LAN_MODE, lan_mode, NULL);
    ipmi_emu_register_group_extension_handler(GROUP_DCMI, dcmi, NULL);
    return 0;
}
