/** Labels of an alert, a server or a series, as text: values come from elsewhere. */
import { Group, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./Labels.module.css";

interface Props {
  labels: readonly (readonly [name: string, value: string])[];
  /** With it each is a button: what happens when one is chosen. */
  onPick?(name: string, value: string): void;
}

export function Labels({ labels, onPick }: Props) {
  const { t } = useTranslation("shell");
  return (
    <Group gap={4} component="span">
      {labels.map(([name, value]) =>
        onPick ? (
          <UnstyledButton
            key={name}
            className={classes.label}
            onClick={() => onPick(name, value)}
            title={t("labels.filterBy", { name, value })}
          >
            <Text name={name} value={value} />
          </UnstyledButton>
        ) : (
          <span key={name} className={classes.label} title={`${name}="${value}"`}>
            <Text name={name} value={value} />
          </span>
        ),
      )}
    </Group>
  );
}

function Text({ name, value }: { name: string; value: string }) {
  return (
    <>
      <span className={classes.name}>{name}</span>
      <span className={classes.value}>{value === "" ? '""' : value}</span>
    </>
  );
}
