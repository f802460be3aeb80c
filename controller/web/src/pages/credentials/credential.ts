/** A credential profile as its form has it, and as the interface does. */
import type { Schema } from "@/api/client";

export type Credential = Schema<"Credential">;

export interface CredentialForm extends Record<string, unknown> {
  name: string;
  description: string;
  username: string;
  password: string;
  /** Whether a password that is there is to be taken away. */
  withoutPassword: boolean;
  k_g: string;
  withoutKey: boolean;
  driver: string;
  privilege: string;
  /** JSON; other keys of the exporter's module. */
  settings: string;
}

export function formOf(credential?: Credential): CredentialForm {
  const settings = credential?.settings ?? {};
  return {
    name: credential?.name ?? "",
    description: credential?.description ?? "",
    username: credential?.username ?? "",
    password: "",
    withoutPassword: false,
    k_g: "",
    withoutKey: false,
    driver: credential?.driver ?? "LAN_2_0",
    privilege: credential?.privilege ?? "",
    settings: Object.keys(settings).length > 0 ? JSON.stringify(settings, null, 2) : "",
  };
}

/** The settings as an object; nothing when the text is none. */
export function parseSettings(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") {
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A secret that is not mentioned stays; `null` takes it away. */
function secret(text: string, isRemoved: boolean): string | null | undefined {
  return isRemoved ? null : text === "" ? undefined : text;
}

export function bodyOf(form: CredentialForm): Schema<"CredentialBody"> {
  return {
    name: form.name,
    description: form.description,
    username: form.username,
    driver: form.driver as Credential["driver"],
    privilege: form.privilege || null,
    settings: (parseSettings(form.settings) ?? {}) as Schema<"CredentialBody">["settings"],
    password: secret(form.password, form.withoutPassword),
    k_g: secret(form.k_g, form.withoutKey),
  };
}
