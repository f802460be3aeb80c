/** The stages of an episode in a line, with the time between them. */
import { IconBell, IconCheck, IconCircleCheck, IconCircleDashed, IconFlame, IconHourglass } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Moment } from "@/components/Moment";
import { useFormat } from "@/i18n/format";
import { type AlertLife, type Stage, stages } from "./life";
import classes from "./LifeLine.module.css";

const ICONS = { pending: IconHourglass, firing: IconFlame, notified: IconBell, acknowledged: IconCheck, ended: IconCircleCheck };

export function LifeLine({ life }: { life: AlertLife }) {
  const { t } = useTranslation("alerts");
  const format = useFormat();
  const word = (stage: Stage) => (stage === "ended" && life.state === "expired" ? t("life.expired") : t(`life.${stage}`));
  return (
    <ol className={classes.line}>
      {stages(life).map(({ stage, at, after }) => {
        const Icon = at ? ICONS[stage] : IconCircleDashed;
        return (
          <li key={stage} className={classes.stage} data-reached={at !== undefined || undefined} data-stage={stage}>
            <span className={classes.mark}>
              <Icon size={18} aria-hidden />
            </span>
            <span className={classes.word}>{word(stage)}</span>
            <span className={classes.at}>
              {at ? <Moment at={at} form="short" /> : t("life.notYet")}
              {after !== undefined && after > 0 && ` (${t("life.after", { duration: format.duration(after) })})`}
            </span>
            {stage === "ended" && life.end_reason && <span className={classes.at}>{t(`reasons.${life.end_reason}`)}</span>}
          </li>
        );
      })}
    </ol>
  );
}
