/** The whole page: what everything needs, and what is shown at which path. */
import { Center, MantineProvider } from "@mantine/core";
import { ConfirmProvider } from "@/components/confirm";
import { QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, lazy, StrictMode, Suspense } from "react";
import { createBrowserRouter, Navigate, RouterProvider } from "react-router";
import { LiveProvider } from "@/api/live";
import { makeQueryClient } from "@/api/queries";
import { SessionProvider, useSession } from "@/api/session";
import { Failed, Loading } from "@/components/states";
import { CommandsProvider } from "./commands";
import { NONCE } from "./nonce";
import { NotFound, RouteError } from "./RouteError";
import { PAGES } from "./pages";
import { Shell } from "./Shell";
import { ShortcutsProvider } from "./shortcuts";
import { colorSchemeManager, theme } from "./theme";

const Messages = lazy(() => import("./Messages"));
const LoginPage = lazy(async () => ({
  default: await withStyles(() => import("@/pages/login/LoginPage")),
}));

const queries = makeQueryClient();

const router = createBrowserRouter([
  {
    element: <SignedIn />,
    errorElement: <RouteError />,
    hydrateFallbackElement: <Loading />,
    children: [
      { index: true, element: <Navigate to="/fleet" replace /> },
      {
        errorElement: <RouteError />,
        children: PAGES.flatMap((page) =>
          page.routes.map(({ path, load }) => ({
            path,
            lazy: async () => ({ Component: await withStyles(load) }),
          })),
        ),
      },
      { path: "*", element: <NotFound /> },
    ],
  },
]);

/** A page with the styles that the shell alone does not need. */
async function withStyles(load: () => Promise<{ default: ComponentType }>) {
  const [page] = await Promise.all([load(), import("./styles/rest")]);
  return page.default;
}

/** The shell for who is signed in; the log-in, at the same address, for others. */
function SignedIn() {
  const { session, isLoading, problem, retry } = useSession();
  if (isLoading) {
    return <Loading />;
  }
  if (problem && !session) {
    return (
      <Center mih="100vh" p="md">
        <Failed error={problem} onRetry={retry} />
      </Center>
    );
  }
  if (!session) {
    return (
      <Suspense fallback={<Loading />}>
        <LoginPage />
      </Suspense>
    );
  }
  return (
    <LiveProvider>
      <CommandsProvider>
        <ShortcutsProvider>
          <Shell />
        </ShortcutsProvider>
      </CommandsProvider>
    </LiveProvider>
  );
}

export function App() {
  return (
    <StrictMode>
      <MantineProvider
        theme={theme}
        colorSchemeManager={colorSchemeManager}
        defaultColorScheme="auto"
        getStyleNonce={() => NONCE}
      >
        <Suspense>
          <Messages />
        </Suspense>
        <QueryClientProvider client={queries}>
          <Suspense fallback={<Loading />}>
            <SessionProvider>
              <ConfirmProvider>
                <RouterProvider router={router} />
              </ConfirmProvider>
            </SessionProvider>
          </Suspense>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>
  );
}
