/** Who a server and its BMC are. */
import { Paper, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import { queryNow } from "@/api/prometheus";
import { Moment } from "@/components/Moment";

export function Identity({ server }: { server: Schema<"Server"> }) {
  const { t } = useTranslation("servers");
  const groups = useQuery({
    queryKey: ["groups", server.group_id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/groups/{id}", { params: { path: { id: server.group_id ?? 0 } }, signal })),
    enabled: typeof server.group_id === "number",
  });
  const bmc = useQuery({
    queryKey: ["fleet", "bmc", server.id],
    queryFn: async ({ signal }) => (await queryNow(`ipmi_bmc_info{server_id="${server.id}"}`, signal))[0]?.metric ?? {},
  });
  const labels = Object.entries(server.labels);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Section title={t("details.server")}>
        <Row name={t("details.name")}>{server.name}</Row>
        <Row name={t("details.manufacturer")}>{server.manufacturer}</Row>
        <Row name={t("details.model")}>{server.model}</Row>
        <Row name={t("details.serial")}>{server.serial_number}</Row>
        <Row name={t("details.group")}>{groups.data?.name}</Row>
        <Row name={t("details.site")}>{server.site}</Row>
        <Row name={t("details.rack")}>{server.rack}</Row>
        <Row name={t("details.description")}>{server.description}</Row>
        <Row name={t("details.tags")}>{server.tags.join(", ")}</Row>
        <Row name={t("details.labels")}>
          {labels.length > 0 && (
            <Stack gap={2}>
              {labels.map(([name, value]) => (
                <Text key={name} size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
                  {name}={value}
                </Text>
              ))}
            </Stack>
          )}
        </Row>
        <Row name={t("details.changed")}>
          <Moment at={server.updated_at} />
        </Row>
      </Section>
      <Section title={t("details.bmc")}>
        <Row name={t("details.address")}>
          {server.address}:{server.port}
        </Row>
        <Row name={t("details.monitoring")}>{t(server.monitoring_enabled ? "details.on" : "details.off")}</Row>
        <Row name={t("details.bmcManufacturer")}>{known(bmc.data?.manufacturer_id)}</Row>
        <Row name={t("details.firmware")}>{known(bmc.data?.firmware_revision)}</Row>
        <Row name={t("details.systemFirmware")}>{known(bmc.data?.system_firmware_version)}</Row>
        <Row name={t("details.url")}>{known(bmc.data?.bmc_url)}</Row>
      </Section>
    </SimpleGrid>
  );
}

/** The exporter's word for what a BMC does not tell. */
function known(text: string | undefined): string | undefined {
  return text === "N/A" ? undefined : text;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      <Table variant="vertical" layout="fixed" aria-label={title}>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Paper>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={180} scope="row">
        {name}
      </Table.Th>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{children || "–"}</Table.Td>
    </Table.Tr>
  );
}
