import type Redis from 'ioredis';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { Latch } from './latch';

interface Held {
  send: () => void;
  drop: (reason: Error) => void;
}

/** Holds back what a Redis client sends after so many commands: between any two of them its process may be killed or stopped. */
export class CommandHold {
  readonly #held: Held[] = [];
  readonly #sent = new Set<Promise<unknown>>();
  #holding = new Latch();
  #left = Number.POSITIVE_INFINITY;

  constructor(client: RedisClient) {
    // A Cluster sends commands with the same arguments.
    const redis = client as Redis;
    // Every command of ioredis and of BullMQ goes through here, those of a pipeline one by one.
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, stream) => {
      if (this.#left > 0) {
        this.#left--;
        const answer = send(command, stream);
        this.#await(Promise.resolve(answer));
        return answer;
      }
      this.#holding.open();
      return new Promise((resolve, reject) => {
        this.#held.push({
          send: () => void Promise.resolve(send(command, stream)).then(resolve, reject),
          drop: reject,
        });
      });
    };
  }

  /** Lets so many commands through from now on. */
  after(commands: number): void {
    this.#left = commands;
    this.#holding = new Latch();
  }

  /** Settles when the first command is stopped. */
  get holding(): Promise<void> {
    return this.#holding.opened;
  }

  /** Resolves when Redis has carried out all that was let through. */
  async carriedOut(): Promise<void> {
    await Promise.all(this.#sent);
  }

  #await(answer: Promise<unknown>): void {
    const forget = (): boolean => this.#sent.delete(settled);
    const settled: Promise<unknown> = answer.then(forget, forget);
    this.#sent.add(settled);
  }

  /** The process continues: the stopped commands are sent in order. */
  release(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const { send } of this.#held.splice(0)) send();
  }

  /** The process is gone: nothing of it arrives any more. */
  drop(): void {
    for (const { drop } of this.#held.splice(0)) drop(new Error('the process was killed'));
  }
}
