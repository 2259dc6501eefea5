// The program under test, as a user starts it.
import { join } from "node:path";

export const lateenProgram = join(import.meta.dirname, "../../bin/lateen");
