"""Makes validation-records.ndjson (standard output) of the answers of the program (standard input); see README.md."""
import json
import sys
def squeeze(o):
    if isinstance(o,str):
        if len(o)>1000 and len(set(o))==1: return {"repeat":o[0],"times":len(o)}
        return o
    if isinstance(o,list):
        if len(o)>500: return [{"repeat":squeeze(o[0]),"times":len(o)-1},squeeze(o[-1])]
        return [squeeze(x) for x in o]
    if isinstance(o,dict): return {k:squeeze(v) for k,v in o.items()}
    return o
head={"about":"What Kubernetes v1.37.0 itself says: objects as written, and the answers of the API server's own code (scheme defaults; the registry strategies' ValidateCreate with declared checks; the Service storage's begin-create step with in-memory allocators for 10.96.0.0/12, fd00:10:96::/112 and ports 30000-32767; ValidateLoadBalancerStatus) and of kube-proxy's (loadConfig, platformApplyDefaults, Validate, GetHostname; AddFlags and processV1Alpha1Flags). Made by the program in validation-oracle/, one record a line. {repeat, times} stands for a long text or list. errors: ValidateCreate or Validate; warnings: WarningsOnCreate, whether accepted or not; refusal: what a create would answer; internal, failure: an error without fields."}
lines=[json.dumps(head)]
for l in sys.stdin:
    r=json.loads(l)
    if r['id'].startswith('KubeProxyConfiguration/gates') and r['id'].endswith('-8'): continue
    r.pop('kind')
    d=r.get('defaulted')
    if 'object' in r and r['object'] is None: del r['object']
    k=r['id'].split('/')[0]
    if d is not None:
        if k=='Service':
            d={'spec':d['spec'],**({'status':d['status']} if r['object'].get('status') else {})}
        elif k in('EndpointSlice',): d={'ports':d.get('ports')}
        elif k=='Endpoints': d={'subsets':d.get('subsets')}
        elif k=='Node': d=None
        else:
            for x in('Windows','ClientConnection','Logging','Winkernel','FeatureGates'): d.pop(x)
    if d is None: r.pop('defaulted',None)
    else: r['defaulted']=d
    if r.get('errors') is None: r.pop('errors',None)
    if k=='Service' and not r.get('internal') and 'refusal' not in r: r['refusal']=[]
    if k=='Service' and r.get('refusal')==r.get('errors'): r['refusal']='errors'
    if r.get('status')==[]: del r['status']
    lines.append(json.dumps(squeeze(r),ensure_ascii=False,separators=(',',':')))
print('\n'.join(lines))
