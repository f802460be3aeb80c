/** Short messages in the corner; `notifications.show` shows one from anywhere. */
import { Notifications } from "@mantine/notifications";
import "@mantine/notifications/styles.layer.css";

export default function Messages() {
  return <Notifications position="bottom-right" />;
}
