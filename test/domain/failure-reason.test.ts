import { failureInWords } from '../../src/domain/failure-reason';

const json = JSON.stringify;
const ofFunction = json({ errorType: 'EndpointUnsuitable', errorMessage: 'the endpoint has a shadow', trace: ['at …'] });
const ofWorkflow = json({ ExecutionArn: 'arn', Input: '{}', Status: 'FAILED', Error: 'EndpointUnsuitable', Cause: ofFunction });

test.each([
  ['its execution is ABORTED', 'its execution is ABORTED'],
  [json({ Error: 'SomeException', Cause: 'no luck' }), 'SomeException: no luck'],
  [json({ Error: 'States.Timeout', Cause: '' }), 'States.Timeout'],
  [json({ Error: 'States.Timeout' }), 'States.Timeout'],
  [json({ Error: 'EndpointUnsuitable', Cause: ofFunction }), 'EndpointUnsuitable: the endpoint has a shadow'],
  [json({ Error: 'States.TaskFailed', Cause: ofWorkflow }), 'EndpointUnsuitable: the endpoint has a shadow'],
  [json({ Error: 'States.TaskFailed', Cause: json({ ExecutionArn: 'arn', Name: 'V1-0-1-staging', Status: 'ABORTED' }) }), 'V1-0-1-staging is ABORTED'],
  [json({ errorMessage: 'out of memory' }), 'out of memory'],
  [json({ Error: 'SageMaker.ValidationException', Cause: '{"unexpected":1}' }), 'SageMaker.ValidationException: {"unexpected":1}'],
  [json({ Error: 'SomeException', Cause: 'no luck', Name: 'V1-0-1', Status: 'FAILED' }), 'SomeException: no luck'],
  [json({ Name: 'V1-0-1' }), '{"Name":"V1-0-1"}'],
  [json({ Status: 'ABORTED' }), '{"Status":"ABORTED"}'],
  [json({ Cause: 'no luck' }), 'no luck'],
  [json({ errorType: 42, errorMessage: 'out of memory' }), 'out of memory'],
  [json({ Error: 'States.TaskFailed', Cause: { errorMessage: 'no text' } }), 'States.TaskFailed'],
  ['null', 'null'],
  ['"text"', '"text"'],
  ['42', '42'],
  ['', ''],
])('%s', (text, words) => expect(failureInWords(text)).toBe(words));
