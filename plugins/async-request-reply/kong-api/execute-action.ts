// Carries out the action that the access side has decided on, by calls of Kong's PDK.
import type { GatewayAction, StreamAction } from '../access/gateway-action';
import { restartingReply } from '../access/replies';
import type { HandoffListener } from '../handoff/types';
import { settleMethod } from './answer-method';
import { exitWithReply } from './exit-with-reply';
import type { NginxVariables } from './nginx-variables';
import { passOn } from './pass-on';
import type { Pdk } from './pdk';
import { addPresets, proxyToHandoff } from './proxy-to-handoff';

interface ActionDeps {
  readonly pdk: Pdk;
  readonly variables: NginxVariables;
  /** Undefined in a plugin server without a handoff listener. */
  readonly handoff: HandoffListener | undefined;
  /** The name of the instance's settings in tickets. */
  readonly settingsKey: string;
}

/** Ends the access phase of the request. */
export async function executeAction(action: GatewayAction, deps: ActionDeps): Promise<void> {
  const { pdk, variables } = deps;
  switch (action.kind) {
    case 'reply':
      await exitWithReply(pdk, variables, action.reply);
      return;
    case 'stream':
      await stream(action, deps);
      return;
    case 'pass':
      await passOn(pdk, action);
  }
}

/** While the listener is down, the client gets a 503. */
async function stream(
  { command }: StreamAction,
  { pdk, variables, handoff, settingsKey }: ActionDeps,
): Promise<void> {
  if (command.kind === 'replay') {
    await addPresets(pdk, command.presets ?? []);
  }
  const port = handoff?.port();
  if (handoff === undefined || port === undefined) {
    await exitWithReply(pdk, variables, restartingReply());
    return;
  }
  const method = await settleMethod(pdk, variables, true);
  await proxyToHandoff(pdk, variables, { port, ticket: handoff.seal({ settingsKey, method, command }) });
}
