/** The command palette: pages, commands and servers by name. */
import { useQuery } from "@tanstack/react-query";
import { Spotlight, spotlight } from "@mantine/spotlight";
import "@mantine/spotlight/styles.layer.css";
import { IconBolt, IconSearch, IconServer2 } from "@tabler/icons-react";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, take } from "@/api/client";
import { hasRole, useUser } from "@/api/session";
import { AREAS } from "./areas";
import { useAllCommands } from "./commands";
import { PRESENT_AREAS } from "./pages";

/** Servers that a search shows. */
const MAX_SERVERS = 8;
const DEBOUNCE_MS = 150;

export default function Palette() {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const user = useUser();
  const commands = useAllCommands();
  const [query, setQuery] = useState("");
  const [asked] = useDebouncedValue(query.trim(), DEBOUNCE_MS);
  // It is loaded when it is wanted.
  useEffect(() => spotlight.open(), []);
  const { data } = useQuery({
    queryKey: ["servers", "palette", asked],
    queryFn: ({ signal }) =>
      take(
        api.GET("/api/v1/servers", {
          params: { query: { search: asked, limit: MAX_SERVERS } },
          signal,
        }),
      ),
    enabled: asked.length > 0,
  });
  const word = query.trim().toLowerCase();
  const fits = (text: string) => text.toLowerCase().includes(word);
  const pages = AREAS.filter(({ area }) => {
    const role = PRESENT_AREAS.get(area);
    return role !== undefined && hasRole(user, role) && fits(t(`areas.${area}`));
  });
  const offered = commands.filter((command) => fits(command.label));
  const servers = asked.length > 0 ? (data?.items ?? []) : [];
  return (
    <Spotlight.Root query={query} onQueryChange={setQuery} shortcut={null} scrollable maxHeight={420}>
      <Spotlight.Search
        placeholder={t("palette.placeholder")}
        aria-label={t("palette.placeholder")}
        leftSection={<IconSearch size={18} aria-hidden />}
      />
      <Spotlight.ActionsList>
        {pages.length > 0 && (
          <Spotlight.ActionsGroup label={t("palette.pages")}>
            {pages.map(({ area, path, icon: Icon }) => (
              <Spotlight.Action
                key={area}
                label={t(`areas.${area}`)}
                leftSection={<Icon size={18} aria-hidden />}
                onClick={() => void navigate(path)}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {offered.length > 0 && (
          <Spotlight.ActionsGroup label={t("palette.commands")}>
            {offered.map(({ id, label, description, run }) => (
              <Spotlight.Action
                key={id}
                label={label}
                description={description}
                leftSection={<IconBolt size={18} aria-hidden />}
                onClick={run}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {servers.length > 0 && (
          <Spotlight.ActionsGroup label={t("palette.servers")}>
            {servers.map((server) => (
              <Spotlight.Action
                key={server.id}
                label={server.name}
                description={server.address}
                leftSection={<IconServer2 size={18} aria-hidden />}
                onClick={() => void navigate(`/servers/${server.id}`)}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {pages.length + offered.length + servers.length === 0 && (
          <Spotlight.Empty>{t("palette.nothing")}</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
