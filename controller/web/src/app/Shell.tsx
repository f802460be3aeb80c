/** What is around every page: navigation, search, language, theme, who is signed in. */
import {
  ActionIcon,
  Box,
  Burger,
  Button,
  Group,
  Kbd,
  NavLink,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import {
  IconActivityHeartbeat,
  IconPlugConnectedX,
  IconSearch,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink as RouterLink, Outlet, useLocation, useNavigate, useNavigation } from "react-router";
import { useLive } from "@/api/live";
import { hasRole, useUser } from "@/api/session";
import { Loading } from "@/components/states";
import { chooseLanguage, LANGUAGES, type Language } from "@/i18n";
import { AREAS } from "./areas";
import { type Command, useCommands } from "./commands";
import { PRESENT_AREAS } from "./pages";
import { useShortcuts } from "./shortcuts";
import classes from "./Shell.module.css";

// Floating parts are not needed for the first paint.
const HeaderMenus = lazy(() => import("./HeaderMenus"));
const Palette = lazy(() => import("./Palette"));

export function Shell() {
  const { t } = useTranslation("shell");
  const location = useLocation();
  const navigation = useNavigation();
  useAreaShortcuts();
  // The menu of a small screen is open at one place: a choice in it closes it.
  const [menuAt, setMenuAt] = useState<string | null>(null);
  const isMenuOpen = menuAt === location.pathname;
  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#main">
        {t("skip")}
      </a>
      <header className={classes.header}>
        <Group gap="sm" wrap="nowrap">
          <Burger
            opened={isMenuOpen}
            onClick={() => setMenuAt(isMenuOpen ? null : location.pathname)}
            hiddenFrom="sm"
            size="sm"
            aria-label={t("menu")}
            aria-expanded={isMenuOpen}
            aria-controls="areas"
          />
          <UnstyledButton component={RouterLink} to="/fleet" className={classes.brand}>
            <img src="/favicon.svg" alt="" width={26} height={26} />
            <Text fw={650} visibleFrom="xs">
              {t("product")}
            </Text>
          </UnstyledButton>
        </Group>
        <Group gap={6} wrap="nowrap">
          <Search />
          <LiveMark />
          <Suspense fallback={<div className={classes.menus} />}>
            <HeaderMenus />
          </Suspense>
        </Group>
      </header>
      <nav id="areas" className={classes.nav} data-open={isMenuOpen || undefined} aria-label={t("navigation")}>
        <Areas />
      </nav>
      <main id="main" tabIndex={-1} className={classes.main}>
        <div className={classes.progress} data-active={navigation.state !== "idle" || undefined} />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}

function Areas() {
  const { t } = useTranslation("shell");
  const user = useUser();
  const { pathname } = useLocation();
  return AREAS.filter(({ area }) => {
    const role = PRESENT_AREAS.get(area);
    return role !== undefined && hasRole(user, role);
  }).map(({ area, path, icon: Icon }) => {
    const isActive = pathname === path || pathname.startsWith(`${path}/`);
    return (
      <NavLink
        key={area}
        component={RouterLink}
        to={path}
        active={isActive}
        aria-current={isActive ? "page" : undefined}
        label={t(`areas.${area}`)}
        leftSection={<Icon size={19} stroke={1.6} aria-hidden />}
        className={classes.area}
      />
    );
  });
}

/** The keys of the navigation, the theme and asking anew. */
function useAreaShortcuts() {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const shortcuts = useMemo(
    () => [
      ...AREAS.filter(({ area }) => PRESENT_AREAS.has(area)).map(({ area, path, keys }) => ({
        keys,
        label: t("shortcuts.go", { area: t(`areas.${area}`) }),
        run: () => void navigate(path),
      })),
      { keys: ".", label: t("shortcuts.refresh"), run: () => void queries.invalidateQueries() },
      {
        keys: "t",
        label: t("shortcuts.theme"),
        run: () => setColorScheme(scheme === "dark" ? "light" : "dark"),
      },
    ],
    [t, navigate, queries, setColorScheme, scheme],
  );
  useShortcuts(shortcuts);
}

function Search() {
  const { t } = useTranslation("shell");
  const [isWanted, setWanted] = useState(false);
  const open = () => {
    if (isWanted) {
      void import("@mantine/spotlight").then(({ spotlight }) => spotlight.open());
    }
    setWanted(true);
  };
  useHotkeys([["mod+K", open]]);
  const commands = useMemo<Command[]>(
    () =>
      (Object.keys(LANGUAGES) as Language[]).map((language) => ({
        id: `language-${language}`,
        label: LANGUAGES[language].name,
        run: () => void chooseLanguage(language),
      })),
    [],
  );
  useCommands(commands);
  return (
    <>
      <Button
        variant="default"
        size="xs"
        onClick={open}
        leftSection={<IconSearch size={15} aria-hidden />}
        rightSection={<Kbd size="xs">Ctrl K</Kbd>}
        visibleFrom="sm"
        className={classes.search}
      >
        {t("search")}
      </Button>
      <ActionIcon variant="default" size="md" onClick={open} hiddenFrom="sm" aria-label={t("search")}>
        <IconSearch size={17} />
      </ActionIcon>
      {isWanted && (
        <Suspense>
          <Palette />
        </Suspense>
      )}
    </>
  );
}

/** Whether changes are heard of. */
function LiveMark() {
  const { t } = useTranslation("shell");
  const live = useLive();
  const Icon = live === "off" ? IconPlugConnectedX : IconActivityHeartbeat;
  return (
    <Box
      role="status"
      aria-label={t(`live.${live}`)}
      title={t(`live.${live}`)}
      className={classes.live}
      data-state={live}
      visibleFrom="xs"
    >
      <Icon size={18} aria-hidden />
    </Box>
  );
}
