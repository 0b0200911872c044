import * as fs from 'fs';
import * as path from 'path';
import { document } from './document';

/** Writes docs/costs.md anew. */
fs.writeFileSync(path.join(__dirname, '../../../docs/costs.md'), document());
