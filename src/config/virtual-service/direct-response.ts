// HTTPDirectResponse: a fixed answer (istio.networking.v1alpha3.HTTPDirectResponse).
import { utf8 } from "../../kernel/bytes.ts";
import { atMostOne, integer, object, type Rule, type SpecOf, string } from "../schema.ts";
import { httpStatus } from "./status.ts";

/** Largest body, bytes; also what route configurations allow Envoy to hold. */
const bodyLimitBytes = 1 << 20;

const textFits: Rule<string> = {
  message: `must be at most ${bodyLimitBytes} bytes in UTF-8`,
  test: (text) => utf8(text).length <= bodyLimitBytes,
};

const bytesFit: Rule<string> = {
  message: `must be at most ${bodyLimitBytes} bytes`,
  test: (text) => (text.length * 3) / 4 <= bodyLimitBytes + 2,
};

const base64: Rule<string> = {
  message: "must be base64",
  test: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0,
};

export const directResponseSchema = object(
  {
    status: integer("uint32", { description: "HTTP status of the answer, 200 to 599.", rules: [httpStatus] }),
    body: object(
      {
        string: string({ description: "The body as text.", rules: [textFits] }),
        bytes: string({ description: "The body in base64.", format: "byte", rules: [base64, bytesFit] }),
      },
      { description: "Body of the answer; empty where absent.", rules: [atMostOne("string", "bytes")] },
    ),
  },
  { description: "Answers the request itself instead of forwarding it.", required: ["status"] },
);

export type DirectResponse = SpecOf<typeof directResponseSchema>;
