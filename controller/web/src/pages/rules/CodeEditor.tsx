/** An editor for PromQL and YAML; loaded when one is shown. */
import { lazy, Suspense } from "react";
import { Box, Skeleton, Text } from "@mantine/core";
import type { CodeProps } from "./Code";

const Code = lazy(() => import("./Code"));

export function CodeEditor({ error, ...props }: CodeProps & { error?: string }) {
  return (
    <Box>
      <Text size="sm" fw={600} mb={2} component="div">
        {props.label}
      </Text>
      <Suspense fallback={<Skeleton height={props.language === "yaml" ? 480 : 64} />}>
        <Code {...props} isWrong={error !== undefined} />
      </Suspense>
      {error !== undefined && (
        <Text size="sm" c="var(--state-critical)" role="alert" mt={4} style={{ overflowWrap: "anywhere" }}>
          {error}
        </Text>
      )}
    </Box>
  );
}
