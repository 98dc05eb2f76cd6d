// Checks whether every ARR_* variable of the environment is a setting. A misspelt one has no effect and causes no error.
import { describeUnknownVariables } from '../../../schemas/unknown-variables';
import { warning, type CheckResult } from './finding';

export function checkVariables(env: NodeJS.ProcessEnv): CheckResult {
  return {
    name: 'variables',
    seen: 'all are settings',
    findings: describeUnknownVariables(env).map(warning),
  };
}
