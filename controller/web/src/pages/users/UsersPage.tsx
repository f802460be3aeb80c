/** Users: who may sign in, what they may do, and for which groups. */
import { Badge, Button, MultiSelect, PasswordInput, Radio, Select, SimpleGrid, Stack, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ifMatch, useChange } from "@/api/change";
import { choicesOf, nameOf, useGroups } from "@/api/choices";
import { api, take } from "@/api/client";
import { type User, useUser } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { type Column, DataTable } from "@/components/DataTable";
import { FormDialog } from "@/components/FormDialog";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useRows } from "@/components/rows";
import { AdministrationTabs } from "../administration/AdministrationTabs";
import { bodyOf, formOf, type UserForm } from "./user";

export default function UsersPage() {
  const { t } = useTranslation("users");
  const { t: shell } = useTranslation("shell");
  const me = useUser();
  const confirm = useConfirm();
  const groups = useGroups();
  const [edited, setEdited] = useState<User | "new">();
  const rows = useRows(["users", "list"], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/users", { params: { query: { sort: "name", offset, limit } }, signal })),
  );
  const remove = useChange(["users", "tokens"], (id: number) => take(api.DELETE("/api/v1/users/{id}", { params: { path: { id } } })));
  const askRemove = async ({ id, username: name }: User) => {
    if (await confirm({ title: t("remove.title", { name }), text: t("remove.text"), action: shell("delete"), isDangerous: true })) {
      await remove.mutateAsync(id).then(() => void tellDone(t("remove.done", { name })), tell);
    }
  };
  const columns = useMemo<Column<User>[]>(
    () => [
      { id: "name", header: t("username"), width: "minmax(150px, 1.2fr)", cell: ({ username, id }) => (id === me.id ? t("you", { name: username }) : username) },
      { id: "email", header: t("email"), width: "minmax(150px, 1.2fr)", cell: ({ email }) => email || "–" },
      { id: "role", header: t("role"), width: "150px", cell: ({ role }) => shell(`roles.${role}`) },
      { id: "groups", header: t("scope"), width: "minmax(150px, 1.5fr)", cell: ({ group_ids: ids }) => (ids ? ids.map((id) => nameOf(groups, id)).join(", ") || t("nothing") : t("all")) },
      {
        id: "active",
        header: t("active"),
        width: "110px",
        cell: ({ is_active: isActive }) => (
          <Badge variant={isActive ? "light" : "default"} tt="none">
            {isActive ? t("isActive") : t("isLocked")}
          </Badge>
        ),
      },
      { id: "login", header: t("lastLogin"), width: "140px", cell: ({ last_login_at: at }) => <Moment at={at} form="relative" /> },
      {
        id: "actions",
        header: t("actions"),
        width: "90px",
        align: "right",
        cell: (user) => (
          <RowActions
            of={user.username}
            actions={[
              { label: shell("edit"), icon: IconPencil, run: () => setEdited(user) },
              { label: shell("delete"), icon: IconTrash, run: () => void askRemove(user), isDangerous: true, isDisabled: user.id === me.id },
            ]}
          />
        ),
      },
    ],
    // oxlint-disable-next-line react/exhaustive-deps -- what it asks with is stable
    [t, shell, groups, me.id],
  );
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")}>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited("new")}>
          {t("add")}
        </Button>
      </PageTitle>
      <AdministrationTabs />
      <DataTable
        label={t("title")}
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        rowName={({ username }) => username}
        onOpen={(user: User) => setEdited(user)}
        height="calc(100vh - 250px)"
      />
      {edited && <UserDialog user={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </>
  );
}

const ROLES = ["viewer", "operator", "admin"] as const;

function UserDialog({ user, onClose }: { user?: User; onClose(): void }) {
  const { t } = useTranslation("users");
  const { t: shell } = useTranslation("shell");
  const groups = useGroups();
  const form = useForm<UserForm>({
    initialValues: formOf(user),
    validate: {
      username: (value) => (value.trim() === "" ? t("needed") : null),
      password: (value) => (!user && value === "" ? t("needed") : null),
    },
  });
  const save = useChange(["users"], (values: UserForm) => {
    const body = bodyOf(values);
    return user
      ? take(api.PUT("/api/v1/users/{id}", { params: { path: { id: user.id } }, body, headers: ifMatch(user) }))
      : take(api.POST("/api/v1/users", { body }));
  });
  return (
    <FormDialog
      title={user ? t("edit", { name: user.username }) : t("add")}
      form={form}
      onClose={onClose}
      onSave={async (values) => {
        await save.mutateAsync(values);
        void tellDone(t("saved", { name: values.username }));
        onClose();
      }}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("username")} withAsterisk data-autofocus autoComplete="off" spellCheck={false} {...form.getInputProps("username")} />
        <TextInput label={t("email")} type="email" autoComplete="off" {...form.getInputProps("email")} />
      </SimpleGrid>
      <PasswordInput
        label={t("password")}
        description={user ? t("passwordStays") : t("passwordHint")}
        withAsterisk={!user}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ "aria-label": t("show") }}
        {...form.getInputProps("password")}
      />
      <Radio.Group label={t("role")} {...form.getInputProps("role")}>
        <Stack gap="xs" mt={6}>
          {ROLES.map((role) => (
            <Radio key={role} value={role} label={shell(`roles.${role}`)} description={t(`roles.${role}`)} />
          ))}
        </Stack>
      </Radio.Group>
      <Select
        label={t("scope")}
        allowDeselect={false}
        data={[
          { value: "all", label: t("all") },
          { value: "groups", label: t("some") },
        ]}
        {...form.getInputProps("scope")}
      />
      {form.values.scope === "groups" && (
        <MultiSelect label={t("groups")} description={t("groupsHint")} data={choicesOf(groups)} searchable clearable clearButtonProps={{ "aria-label": t("clear") }} {...form.getInputProps("group_ids")} />
      )}
      <Switch label={t("mayLogIn")} description={t("mayLogInHint")} {...form.getInputProps("is_active", { type: "checkbox" })} />
    </FormDialog>
  );
}
