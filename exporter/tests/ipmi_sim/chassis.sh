#!/bin/sh
# What ipmi_sim asks when it needs to know about the chassis: the power is on.
# Arguments: address, then "get ITEM..." or "set ITEM VALUE..."; answers are NAME:VALUE.
case " $* " in
*" get "*power*) echo "power:1" ;;
*" get "*boot*) echo "boot:default" ;;
esac
