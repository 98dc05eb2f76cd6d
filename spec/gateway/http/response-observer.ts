/** What a plugin may do in Kong's header and body filter: hear a response that goes to the client. */
export interface ResponseObserver {
  /** Before the head is written, without the fields that Kong adds last; may change the others. */
  onHead(status: number): void;
  onBody?(chunk: Buffer): void;
  /** The response is whole. */
  onEnd?(): void;
}
