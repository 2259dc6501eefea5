import { memoryStore } from "./store.fake.ts";
import { storeSuite, suiteHistoryLimit } from "./store.suite.ts";

storeSuite("the store in memory", async () => memoryStore({ historyLimit: suiteHistoryLimit }));
