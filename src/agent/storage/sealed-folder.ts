// A folder whose files are encrypted: what fail-static must keep on disk, under a key that only the agent's user can read.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { join } from "node:path";
import { concatBytes, utf8 } from "../../kernel/bytes.ts";
import type { Random } from "../../kernel/random.ts";
import { Secret } from "../../kernel/secret.ts";
import { agentErrors } from "../errors.ts";
import { preparePrivateFolder, readPrivateFile, removePrivateFile, writePrivateFile } from "./private-file.ts";

/** Says what a sealed file is; the last byte is the version of the format. */
const magic = utf8("LATEEN\0\u0001");
/** AES-256. */
const keyBytes = 32;
/** GCM's standard nonce. */
const nonceBytes = 12;
const tagBytes = 16;
/** The file by which a folder is known to be an agent's. */
export const sealKeyName = "seal.key";
/** Longest sealed file: the load assignments of a large mesh. */
const fileLimitBytes = 512 << 20;

export interface SealedFolderOptions {
  folder: string;
  random: Random;
  /** Numeric user this process runs as. */
  self: number;
}

export class SealedFolder {
  private readonly options: SealedFolderOptions;
  private readonly key: Secret<Uint8Array>;

  private constructor(options: SealedFolderOptions, key: Secret<Uint8Array>) {
    this.options = options;
    this.key = key;
  }

  /**
   * Opens the folder, making it and its key at the first call.
   *
   * @throws LateenError LAT4205 where others could have read the key; LAT4206 where it is damaged
   */
  static async open(options: SealedFolderOptions): Promise<SealedFolder> {
    const { folder, random, self } = options;
    preparePrivateFolder(folder, self);
    const path = join(folder, sealKeyName);
    let key = await readPrivateFile(path, keyBytes, self);
    if (key === undefined) {
      key = random.bytes(keyBytes);
      await writePrivateFile(path, key);
    }
    if (key.length !== keyBytes) throw agentErrors.unreadableState(`${path} is not a key of ${keyBytes} bytes`);
    return new SealedFolder(options, new Secret(key));
  }

  /**
   * @returns undefined where nothing is stored under the name
   * @throws LateenError LAT4205 or LAT4206
   */
  async read(name: string): Promise<Uint8Array | undefined> {
    const path = join(this.options.folder, name);
    const sealed = await readPrivateFile(path, fileLimitBytes, this.options.self);
    if (sealed === undefined) return undefined;
    const body = sealed.subarray(magic.length);
    if (body.length < nonceBytes + tagBytes || !magic.every((byte, at) => sealed[at] === byte)) {
      throw agentErrors.unreadableState(`${path} is not a sealed file of a version this agent knows`);
    }
    const decipher = createDecipheriv("aes-256-gcm", this.key.reveal(), body.subarray(0, nonceBytes));
    decipher.setAAD(utf8(name));
    decipher.setAuthTag(body.subarray(nonceBytes, nonceBytes + tagBytes));
    try {
      return concatBytes([decipher.update(body.subarray(nonceBytes + tagBytes)), decipher.final()]);
    } catch (cause) {
      throw agentErrors.unreadableState(`${path} is damaged, or was sealed with another key`, { cause });
    }
  }

  /** Seals the content under the name; the name is sealed with it, so that files cannot be swapped. */
  async write(name: string, content: Uint8Array): Promise<void> {
    const nonce = this.options.random.bytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.key.reveal(), nonce);
    cipher.setAAD(utf8(name));
    const encrypted = [cipher.update(content), cipher.final()];
    const sealed = concatBytes([magic, nonce, cipher.getAuthTag(), ...encrypted]);
    await writePrivateFile(join(this.options.folder, name), sealed);
  }

  async remove(name: string): Promise<void> {
    await removePrivateFile(this.options.folder, name);
  }
}
