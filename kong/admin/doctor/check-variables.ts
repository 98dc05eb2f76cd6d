// Whether every ARR_* variable around this program is a setting: a misspelt one has no effect and no error.
import { describeUnknownVariables } from '../../../schemas/unknown-variables';
import { warning, type CheckResult } from './finding';

export function checkVariables(env: NodeJS.ProcessEnv): CheckResult {
  return {
    name: 'variables',
    seen: 'all are settings',
    findings: describeUnknownVariables(env).map(warning),
  };
}
