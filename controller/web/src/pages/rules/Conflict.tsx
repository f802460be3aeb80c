/** Somebody else changed the group meanwhile: what differs, and whose text goes on. */
import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment } from "@/components/Moment";
import { Loading } from "@/components/states";
import { type Draft, draftOf } from "./draft";
import type { Versioned } from "./GroupEditor";

const Compare = lazy(() => import("./Compare"));

interface Props {
  mine: Draft;
  latest: Versioned;
  onTakeTheirs(): void;
  onKeepMine(): void;
}

export function Conflict({ mine, latest, onTakeTheirs, onKeepMine }: Props) {
  const { t } = useTranslation("rules");
  const [texts, setTexts] = useState<[string, string] | null>(null);
  useEffect(() => {
    let isWanted = true;
    const write = async () => {
      const { toText } = await import("./text");
      if (isWanted) {
        setTexts([toText(draftOf(latest.data)), toText(mine)]);
      }
    };
    void write();
    return () => {
      isWanted = false;
    };
  }, [mine, latest]);
  return (
    <Alert role="alert" color="yellow" icon={<IconAlertTriangle aria-hidden />} title={t("conflict.title")}>
      <Stack gap="sm">
        <Text size="sm">
          {t("conflict.text")} <Moment at={latest.data.updated_at} />
        </Text>
        <Suspense fallback={<Loading />}>{texts && <Compare before={texts[0]} after={texts[1]} labels={[t("conflict.theirs"), t("conflict.mine")]} />}</Suspense>
        <Group gap="sm">
          <Button size="xs" variant="default" onClick={onTakeTheirs}>
            {t("conflict.takeTheirs")}
          </Button>
          <Button size="xs" variant="default" onClick={onKeepMine}>
            {t("conflict.keepMine")}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
