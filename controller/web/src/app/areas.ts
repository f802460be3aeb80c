/** The places of the navigation, in their order. Each has a title in `i18n/shell`. */
import {
  IconAlertTriangle,
  IconBellCog,
  IconBellOff,
  IconFileCode,
  IconLayoutGrid,
  IconPackages,
  IconRefresh,
  IconServer2,
  IconSettings,
  IconShieldCheck,
} from "@tabler/icons-react";

export const AREAS = [
  { area: "fleet", path: "/fleet", icon: IconLayoutGrid, keys: "g f" },
  { area: "servers", path: "/servers", icon: IconServer2, keys: "g s" },
  { area: "alerts", path: "/alerts", icon: IconAlertTriangle, keys: "g a" },
  { area: "silences", path: "/silences", icon: IconBellOff, keys: "g m" },
  { area: "rules", path: "/rules", icon: IconFileCode, keys: "g r" },
  { area: "notifications", path: "/notifications", icon: IconBellCog, keys: "g n" },
  { area: "inventory", path: "/inventory", icon: IconPackages, keys: "g i" },
  { area: "sync", path: "/sync", icon: IconRefresh, keys: "g y" },
  { area: "coverage", path: "/coverage", icon: IconShieldCheck, keys: "g c" },
  { area: "administration", path: "/administration", icon: IconSettings, keys: "g d" },
] as const;

export type Area = (typeof AREAS)[number]["area"];
