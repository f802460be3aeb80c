/** Forms whose mistakes the controller finds: each at its field. */
import type { UseFormReturnType } from "@mantine/form";
import { asProblem, type Problem } from "@/api/problem";

/** Whether a form has a field of this name, which may be a path: `labels.rack`. */
function has(values: unknown, path: string): boolean {
  let value = values;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null || !(part in value)) {
      return false;
    }
    value = (value as Record<string, unknown>)[part];
  }
  return true;
}

/**
 * Puts what the controller says about fields at these fields. What is left (no field
 * of this form, or nothing about fields) is given back, for `Failed`.
 */
export function applyProblem<Values extends Record<string, unknown>>(
  form: Pick<UseFormReturnType<Values>, "getValues" | "setFieldError">,
  error: unknown,
): Problem | undefined {
  const problem = asProblem(error);
  let isAllPlaced = problem.fields.size > 0;
  for (const [field, message] of problem.fields) {
    // `settings.timeout` belongs to the field `settings` where that is one text.
    const candidates = field.split(".").map((_, index, parts) => parts.slice(0, parts.length - index).join("."));
    const place = candidates.find((candidate) => has(form.getValues(), candidate));
    if (place === undefined) {
      isAllPlaced = false;
    } else {
      form.setFieldError(place, message);
    }
  }
  return isAllPlaced ? undefined : problem;
}
