// Creates one container. Arguments: root, id, bundle.
import { DobbyRunC } from '../../src/index';
import { runtime } from '../helpers/environment';

const [root = '', id = '', bundle = ''] = process.argv.slice(2);
// Rejects when its container is removed by another, which is what some tests do.
void new DobbyRunC({ runtime, root, createTimeoutMs: 60_000 }).create(id, bundle).catch(() => {});
