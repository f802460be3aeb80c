/** The pages of one area, below its title. Each is an address of its own. */
import { Box } from "@mantine/core";
import { NavLink } from "react-router";
import { hasRole, type Role, useUser } from "@/api/session";
import classes from "./AreaTabs.module.css";

export interface AreaTab {
  to: string;
  label: string;
  /** The least role that sees it. */
  role?: Role;
  /** Whether addresses below it belong to others. */
  isRoot?: boolean;
}

export function AreaTabs({ label, tabs }: { label: string; tabs: AreaTab[] }) {
  const user = useUser();
  return (
    <Box component="nav" aria-label={label} className={classes.tabs}>
      {tabs
        .filter(({ role }) => hasRole(user, role ?? "viewer"))
        .map(({ to, label: text, isRoot }) => (
          <NavLink key={to} to={to} end={isRoot} className={classes.tab}>
            {text}
          </NavLink>
        ))}
    </Box>
  );
}
