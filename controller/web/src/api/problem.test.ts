import { describe, expect, it } from "vitest";
import { applyProblem } from "@/components/form";
import { Problem, problemOf } from "./problem";

function answer(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}

function fields(...names: string[]): Problem {
  return new Problem(422, "", "all", new Map(names.map((name) => [name, `${name} is bad`])));
}

describe("problems", () => {
  it("keep what is said about fields, several mistakes of one together", () => {
    const problem = problemOf(answer(422), {
      title: "Invalid fields",
      status: 422,
      detail: "name: is empty; port: is no port",
      errors: [
        { field: "name", message: "is empty" },
        { field: "port", message: "is no port" },
        { field: "port", message: "is taken" },
      ],
    });
    expect(problem.fields.get("port")).toBe("is no port; is taken");
    expect(problem.isTemporary).toBe(false);
  });

  it("say when to try again, also when a proxy answers", () => {
    const problem = problemOf(answer(503, { "retry-after": "7" }), "<html>");
    expect(problem.retryAfterSeconds).toBe(7);
    expect(problem.isTemporary).toBe(true);
    expect(problemOf(answer(500, { "retry-after": "soon" }), undefined).retryAfterSeconds).toBeUndefined();
  });

  it("go to the fields of a form, and the rest stays for the form", () => {
    const values = { name: "", settings: "", labels: { rack: "" } };
    const placed = new Map<string, unknown>();
    const form = {
      getValues: () => values,
      setFieldError: (field: string, message: unknown) => void placed.set(field, message),
    };
    expect(applyProblem<typeof values>(form as never, fields("name", "labels.rack"))).toBeUndefined();
    expect([...placed.keys()]).toEqual(["name", "labels.rack"]);
    placed.clear();
    expect(applyProblem<typeof values>(form as never, fields("settings.timeout"))).toBeUndefined();
    expect(placed.get("settings")).toBe("settings.timeout is bad");
    expect(applyProblem<typeof values>(form as never, fields("nobody"))?.message).toBe("all");
    expect(applyProblem<typeof values>(form as never, new Problem(500, "", "broken"))?.status).toBe(500);
  });
});
