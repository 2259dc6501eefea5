// What a durable store can refuse, and what can befall it.
import { defineErrors } from "../kernel/error.ts";

export const storeErrors = defineErrors({
  badRequest: {
    code: "LAT5001",
    meaning: "A key, a value or a transaction is outside the limits of the store.",
    remedy: "Make the object smaller; a stored object may have 1 MiB and its key 1 KiB.",
  },
  full: {
    code: "LAT5002",
    meaning: "The disk or the store's own quota is full; nothing was written. Reads and the mesh go on.",
    remedy: "Free space on the disk of the data folder, or delete objects; writes work again without a restart.",
  },
  ioFailed: {
    code: "LAT5003",
    meaning: "The disk refused to write or to make a write durable; nothing of it is assumed to be kept. Reads go on.",
    remedy: "Check the disk and its mount (dmesg, df, mount); writes are tried again with the next change.",
  },
  owned: {
    code: "LAT5004",
    meaning: "Another process has this store open; two control planes must not share one data folder.",
    remedy: "Stop the other lateen up, or give this one another --data-dir.",
  },
  damaged: {
    code: "LAT5005",
    meaning:
      "The store's file is damaged; the message names the part. Nothing is dropped silently, so it is not opened.",
    remedy: "Restore the data folder from a backup, and check the disk.",
  },
  wrongVersion: {
    code: "LAT5006",
    meaning: "The store was written by a newer version, whose layout this one does not know.",
    remedy: "Start the newer version again, or restore a backup made before the upgrade.",
  },
  unsafeFolder: {
    code: "LAT5007",
    meaning: "The data folder or the store's file cannot be used: wrong type, owner or rights.",
    remedy: "Give lateen up a data folder that belongs to its own user and that others cannot read.",
  },
  stopped: {
    code: "LAT5008",
    meaning: "The store is stopped, or its thread ended unexpectedly.",
    remedy: "Restart the control plane; if it happens again, report it with the log.",
  },
  busy: {
    code: "LAT5009",
    meaning: "More requests wait for the store than it admits; the disk may be slow.",
    remedy: "Try again in a moment; check the latency of the disk of the data folder.",
  },
});
