import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/**
 * SHA-256 of a text's UTF-8 bytes as 64 lower-case hex digits. A platform that has a faster one hands its own to
 * the compiler (chain names are the bulk of its work); this portable one is the default.
 */
export type SHA256Hex = (text: string) => string;

/** The portable implementation: synchronous, no platform needed. */
export const portableSHA256: SHA256Hex = (text) => bytesToHex(sha256(utf8ToBytes(text)));
