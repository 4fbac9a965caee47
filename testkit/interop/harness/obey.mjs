// How a peer that is a program is told what to do: commands as JSON, one a line, until the end of input or an interrupt.

import { createInterface } from 'node:readline';

export function obey(command, end) {
  createInterface({ input: process.stdin })
    .on('line', (line) => command(JSON.parse(line)))
    .on('close', end);
  process.on('SIGINT', end);
}
