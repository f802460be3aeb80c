/** Language, theme and who is signed in. */
import { Button, Menu, Text } from "@mantine/core";
import { IconLogout, IconUserCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useSession, useUser } from "@/api/session";
import { LanguageMenu, ThemeMenu } from "./menus";
import { tell } from "./tell";

export default function HeaderMenus() {
  return (
    <>
      <LanguageMenu />
      <ThemeMenu />
      <UserMenu />
    </>
  );
}

function UserMenu() {
  const { t } = useTranslation("shell");
  const { session, logOut } = useSession();
  const user = useUser();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          leftSection={<IconUserCircle size={19} aria-hidden />}
          aria-label={t("user.menu", { name: user.username })}
        >
          <Text size="sm" truncate maw={120} visibleFrom="md" component="span">
            {user.username}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user.username} · {t(`roles.${user.role}`)}
        </Menu.Label>
        <Menu.Label>{t("user.version", { version: session?.version ?? "" })}</Menu.Label>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() => {
            logOut().catch(tell);
          }}
        >
          {t("user.logOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
