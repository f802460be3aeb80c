/**
 * Languages. A page has one catalogue a language, beside it: `pages/NAME/en.json`
 * and `pages/NAME/zh.json`; what all pages share is in `i18n/shell/`. A catalogue is
 * loaded with its page, and its name is the namespace of `useTranslation(NAME)`.
 */
import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";

/** All languages, with their names for the switch and their tags for `Intl`. */
export const LANGUAGES = {
  en: { name: "English", tag: "en-GB", html: "en" },
  zh: { name: "中文", tag: "zh-CN", html: "zh-CN" },
} as const;

export type Language = keyof typeof LANGUAGES;

/** Where the choice is kept; `index.html` reads it too. */
export const LANGUAGE_KEY = "ipmi-language";

type Catalogue = { default: Record<string, unknown> };

const CATALOGUES: Record<string, () => Promise<Catalogue>> = {
  ...import.meta.glob<Catalogue>("./*/*.json"),
  ...import.meta.glob<Catalogue>("../pages/*/*.json"),
};

function catalogue(language: string, namespace: string) {
  return (
    CATALOGUES[`./${namespace}/${language}.json`] ??
    CATALOGUES[`../pages/${namespace}/${language}.json`]
  );
}

const backend: BackendModule = {
  type: "backend",
  init() {},
  read(language, namespace, done) {
    const load = catalogue(language, namespace);
    if (!load) {
      done(new Error(`there is no catalogue ${namespace} in ${language}`), false);
      return;
    }
    load().then(
      (loaded) => done(null, loaded.default),
      (error: Error) => done(error, false),
    );
  },
};

export function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text);
}

/** What was chosen, else what the browser speaks. */
export function preferredLanguage(): Language {
  const stored = read(LANGUAGE_KEY);
  if (isLanguage(stored)) {
    return stored;
  }
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

/** Changes the language of everything, without loading the page anew. */
export async function chooseLanguage(language: Language): Promise<void> {
  await i18next.changeLanguage(language);
  document.documentElement.lang = LANGUAGES[language].html;
  try {
    localStorage.setItem(LANGUAGE_KEY, language);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** The language that is shown. */
export function currentLanguage(): Language {
  return isLanguage(i18next.language) ? i18next.language : "en";
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Must be done before anything is rendered. */
export async function startLanguages(language: Language = preferredLanguage()): Promise<void> {
  await i18next
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: "en",
      supportedLngs: Object.keys(LANGUAGES),
      ns: ["shell"],
      defaultNS: "shell",
      // React escapes.
      interpolation: { escapeValue: false },
      returnNull: false,
    });
  document.documentElement.lang = LANGUAGES[language].html;
}
