/** Short messages, in the corner. */
import { asProblem } from "@/api/problem";

/** Tells what went wrong where no place on the page is for it: `.catch(tell)`. */
export async function tell(error: unknown): Promise<void> {
  const { notifications } = await import("@mantine/notifications");
  const problem = asProblem(error);
  notifications.show({ color: "red", title: problem.title || undefined, message: problem.message, autoClose: 8000 });
}

/** Tells that something was done. */
export async function tellDone(message: string): Promise<void> {
  const { notifications } = await import("@mantine/notifications");
  notifications.show({ message, autoClose: 4000 });
}
