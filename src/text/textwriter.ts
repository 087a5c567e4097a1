const CHUNK = 1 << 16;
const ascii = new TextDecoder("latin1");

/** Whatever takes pieces of text in order. */
export interface TextSink {
  text(piece: string): void;
}

/** For short texts: adds the pieces to a string. */
export class StringWriter implements TextSink {
  private written = "";

  text(piece: string): void {
    this.written += piece;
  }

  /** The text written so far. */
  toString(): string {
    return this.written;
  }
}

/**
 * For long texts. Pieces of plain ASCII go through one small byte buffer, which stays in the processor's
 * cache and allocates nothing a piece, where adding strings to strings would leave a node for each; that is what
 * makes rule texts of tens of megabytes fast.
 */
export class TextWriter implements TextSink {
  private readonly bytes = new Uint8Array(CHUNK);
  private length = 0;
  private written = "";

  /** Appends a text. */
  text(piece: string): void {
    const size = piece.length;
    if (this.length + size > CHUNK) {
      this.flush();
      if (size > CHUNK) {
        this.written += piece;
        return;
      }
    }
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < size; i++) {
      const code = piece.charCodeAt(i);
      if (code > 0x7f) {
        this.flush();
        this.written += piece;
        return;
      }
      bytes[at++] = code;
    }
    this.length = at;
  }

  /** Appends all that another writer holds. */
  append(other: TextWriter): void {
    this.flush();
    this.written += other.toString();
  }

  /** The text written so far. */
  toString(): string {
    this.flush();
    return this.written;
  }

  private flush(): void {
    if (this.length === 0) return;
    this.written += ascii.decode(this.bytes.subarray(0, this.length));
    this.length = 0;
  }
}
