/**
 * The nonce of this answer: style elements that scripts add must bear it. Mantine
 * has it from `getStyleNonce`; CodeMirror wants `EditorView.cspNonce.of(NONCE)`.
 */
export const NONCE =
  document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
