// What can be wrong with a folder of configuration as a whole; what is wrong inside its files is a Problem.
import { defineErrors } from "../../kernel/error.ts";

export const fileErrors = defineErrors({
  folderUnreadable: {
    code: "LAT1101",
    meaning: "A folder given by --config-dir cannot be read.",
    remedy: "Check the path and its rights.",
  },
});

/** Codes of problems of files, beside those of src/config. */
export const fileCodes = {
  /** A file or folder cannot be read; what it held before stays. */
  unreadable: "LAT1102",
  /** Changes of a folder cannot be noticed. */
  unwatched: "LAT1103",
} as const;

/** Documents the codes that are only reported as problems. */
export const fileProblems = defineErrors({
  unreadable: {
    code: fileCodes.unreadable,
    meaning: "A file or folder below --config-dir cannot be read; the objects it held before stay.",
    remedy: "Check its rights, and that it is a file of UTF-8 text.",
  },
  unwatched: {
    code: fileCodes.unwatched,
    meaning: "The system refuses to watch a folder, so that changes in it are not noticed.",
    remedy: "Raise fs.inotify.max_user_watches or max_user_instances, then restart.",
  },
});
