import net from 'node:net';
import { pack } from 'msgpackr';

/** Closes an instance behind Kong's back, as a plugin server that lets instances expire would. */
export function closeInstance(socketPath: string, id: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath, () => socket.write(pack([0, 1, 'plugin.CloseInstance', [id]])));
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
