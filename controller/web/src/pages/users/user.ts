/** A user as the form has it, and as the interface does. */
import type { Schema } from "@/api/client";
import type { Role, User } from "@/api/session";

export interface UserForm extends Record<string, unknown> {
  username: string;
  email: string;
  password: string;
  role: Role;
  /** `all` servers, or those of `groups`. */
  scope: string;
  group_ids: string[];
  is_active: boolean;
}

export function formOf(user?: User): UserForm {
  return {
    username: user?.username ?? "",
    email: user?.email ?? "",
    password: "",
    role: user?.role ?? "viewer",
    scope: user?.group_ids ? "groups" : "all",
    group_ids: (user?.group_ids ?? []).map(String),
    is_active: user?.is_active ?? true,
  };
}

/** An empty list of groups is not the same as none: it shows nothing. */
export function bodyOf(form: UserForm): Schema<"UserBody"> {
  return {
    username: form.username,
    email: form.email,
    role: form.role,
    is_active: form.is_active,
    group_ids: form.scope === "groups" ? form.group_ids.map(Number) : null,
    password: form.password === "" ? undefined : form.password,
  };
}
