/** Looks: colours, fonts, light and dark. */
import { createTheme, localStorageColorSchemeManager, type MantineColorsTuple } from "@mantine/core";

/** Where the choice is kept; `index.html` reads it too. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: "ipmi-color-scheme" });

const blue: MantineColorsTuple = [
  "#eaf4fc",
  "#d5e6f5",
  "#a8cceb",
  "#78b0e1",
  "#5199d8",
  "#398ad3",
  "#2779c1",
  "#1c69ad",
  "#1c5d99",
  "#0a4f87",
];

export const theme = createTheme({
  primaryColor: "brand",
  // White on it has a contrast of 4.5 in both schemes.
  primaryShade: { light: 7, dark: 8 },
  colors: { brand: blue },
  // What the system has: nothing is loaded from elsewhere, and Chinese looks as readers know it.
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "Noto Sans Mono CJK SC", monospace',
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
  // White on the blue of the dark theme has too little contrast.
  luminanceThreshold: 0.22,
  components: {
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, events: { hover: true, focus: true, touch: true } } },
    Modal: { defaultProps: { centered: true } },
    Table: { defaultProps: { verticalSpacing: 6 } },
  },
});
