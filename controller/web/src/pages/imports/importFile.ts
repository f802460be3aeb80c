/** Files with servers: what they are, and what the controller says about their lines. */
import { api, type Schema, take } from "@/api/client";

export type Report = Schema<"ImportReport">;
export type Line = Schema<"ImportLine">;

export interface Options {
  mode: "create" | "update" | "upsert";
  partial: boolean;
  create_groups: boolean;
}

/** The first character that is no blank decides; lists begin with `[`. */
export function kindOf(text: string): "json" | "csv" {
  return /^\s*\[/.test(text) ? "json" : "csv";
}

/** Sends the file, as it is. */
export function send(text: string, options: Options, isDry: boolean): Promise<Report> {
  const isJson = kindOf(text) === "json";
  return take(
    api.POST("/api/v1/servers/import", {
      params: { query: { ...options, dry_run: isDry, report: "all" } },
      body: text,
      bodySerializer: (body: unknown) => body as string,
      headers: { "Content-Type": isJson ? "application/json" : "text/csv" },
    }),
  );
}

/** Lines with mistakes first, each group in the file's order. */
export function inOrder(lines: readonly Line[], isErrorsOnly: boolean): Line[] {
  const wrong = lines.filter(({ outcome }) => outcome === "error");
  return isErrorsOnly ? wrong : [...wrong, ...lines.filter(({ outcome }) => outcome !== "error")];
}

/** A file to begin with. */
export const SAMPLE = `name,address,port,credential,group,site,rack,tags,label.owner
web-1,192.0.2.11,623,bmc-admin,,fra1,A01,web;prod,shop
web-2,192.0.2.12,623,bmc-admin,,fra1,A01,web;prod,shop
`;

/** How many servers an import would make or change. */
export function effects({ created, updated }: Report): number {
  return created + updated;
}
