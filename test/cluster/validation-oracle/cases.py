"""Writes the cases of validation-records.ndjson, one JSON object a line, to standard output (see README.md)."""
import json, copy, random
out=[]
def emit(kind,id,obj): out.append({"id":f"{kind}/{id}","kind":kind,"object":obj})
def svc(id,spec=None,meta=None,status=None):
    o={"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop",**(meta or {})},"spec":({"ports":[{"port":80}]} if spec is None else spec)}
    if status is not None: o["status"]=status
    emit("Service",id,o)
P=[{"port":80}]
def s(**k): return {"ports":P,**k}
# names
L64="a"*64; 
for i,n in enumerate(["1svc","Web","web.shop","a"*63,L64,"-a","a-","a_b","é","","a\nb","web shop","a"*64+".b"]): svc(f"name-{i}",meta={"name":n})
for i,n in enumerate(["Shop","a.b","","a"*64,"1x","<x>"]): svc(f"namespace-{i}",meta={"namespace":n})
svc("generate-name",meta={"generateName":"web-"}); svc("generate-name-bad",meta={"generateName":"We-"}); svc("generate-name-bad2",meta={"generateName":"a.-"}); svc("generate-name-long",meta={"generateName":"x"*63+"-"})
for i,(k,v) in enumerate([("a b","x"),("app","a b"),("example.com/x","v"),("Example.com/x","v"),("/x","v"),("a/","v"),("a/b/c","v"),("x"*64,"v"),("app","v"*64),("app","-v"),("app",""),("a"*254+"/x","v"),("app","\u00e9"),("","v"),("a..b/x","v"),("app","x<y>&z"),("app","tab\there \"q\" \\ \u00ad\u2028 \U0001F600")]):
    svc(f"label-{i}",meta={"labels":{k:v}}); svc(f"selector-{i}",s(selector={k:v}))
    svc(f"annotation-{i}",meta={"annotations":{k:v}})
svc("annotation-case",meta={"annotations":{"Example.COM/Xy":"v"}})
svc("annotation-size",meta={"annotations":{"a":"x"*262144}})
svc("annotation-size-bytes",meta={"annotations":{"a":"é"*131072}})
svc("annotation-size-fits",meta={"annotations":{"a":"x"*262143}})
TM="service.kubernetes.io/topology-mode"; TH="service.kubernetes.io/topology-aware-hints"; SR="service.beta.kubernetes.io/load-balancer-source-ranges"
svc("topology-differ",meta={"annotations":{TM:"Auto",TH:"Disabled"}}); svc("topology-same",meta={"annotations":{TM:"Auto",TH:"Auto"}}); svc("topology-old",meta={"annotations":{TH:"Auto"}}); svc("topology-empty",meta={"annotations":{TM:"",TH:"Auto"}})
# ports needed
svc("no-ports",{}); svc("no-ports-headless",{"clusterIP":"None"}); svc("no-ports-external",{"type":"ExternalName","externalName":"a.example"}); svc("no-ports-np",{"type":"NodePort"})
for t in ["LoadBalancer","NodePort","ExternalName","ClusterIP"]:
    svc(f"headless-{t}",s(type=t,clusterIP="None",**({"externalName":"a.b"} if t=="ExternalName" else {})))
svc("external-clusterips",s(type="ExternalName",externalName="a.b",clusterIPs=["10.96.0.9"],clusterIP="10.96.0.9",ipFamilies=["IPv4"],ipFamilyPolicy="SingleStack"))
for i,n in enumerate(["","a.example.com","a.example.com.","a..b","A.b","-a","a_b.c",".","a.b..","10.0.0.1","x"*64,"y"*254,("z"*63+".")*4]): svc(f"external-name-{i}",s(type="ExternalName",externalName=n))
svc("external-name-missing",s(type="ExternalName"))
svc("external-name-nodeport",{"type":"ExternalName","externalName":"a.b","ports":[{"port":80,"nodePort":99}]})
def ports(id,*ps,**k): svc(id,{"ports":list(ps),**k})
ports("port-two-unnamed",{"port":80},{"port":81}); ports("port-one-unnamed-of-two",{"port":80,"name":"a"},{"port":81})
for i,n in enumerate(["A","a.b","a_b","-x","x"*63,"x"*64,"1","é","a b"]): ports(f"port-name-{i}",{"port":80,"name":n})
ports("port-name-twice",{"port":80,"name":"a"},{"port":81,"name":"a"}); ports("port-name-thrice-bad",{"port":80,"name":"A"},{"port":81,"name":"A"},{"port":82,"name":"b"})
for i,n in enumerate([0,-1,65535,65536,70000,1]): ports(f"port-{i}",{"port":n})
ports("port-missing",{"name":"a"})
for i,n in enumerate(["TCP","UDP","SCTP","HTTP","tcp","","<x>","ICMP"]): ports(f"protocol-{i}",{"port":80,"protocol":n})
for i,n in enumerate([0,8080,70000,-5,"","http","http-alt","HTTP","8080","a--b","-a","a-","-","--","a_b","a"*15,"a"*16,"1a","é","this-name-is-far-too-long--","A"*16]): ports(f"target-{i}",{"port":80,"targetPort":n})
for i,n in enumerate(["http","kubernetes.io/h2c","http/","/x","a/b/c","-","","x"*64,"HTTP"]): ports(f"app-{i}",{"port":80,"appProtocol":n})
# affinity
for i,(a,c) in enumerate([("None",None),("ClientIP",None),("clientip",None),("X",{"clientIP":{"timeoutSeconds":5}}),("ClientIP",{}),("ClientIP",{"clientIP":{}}),("ClientIP",{"clientIP":{"timeoutSeconds":0}}),("ClientIP",{"clientIP":{"timeoutSeconds":-1}}),("ClientIP",{"clientIP":{"timeoutSeconds":86400}}),("ClientIP",{"clientIP":{"timeoutSeconds":86401}}),("None",{"clientIP":{"timeoutSeconds":5}}),("",{"clientIP":{"timeoutSeconds":5}}),("\"q\"",None)]):
    svc(f"affinity-{i}",s(sessionAffinity=a,**({"sessionAffinityConfig":c} if c is not None else {})))
# clusterIPs
ci=[dict(clusterIP="10.96.0.10"),dict(clusterIP="10.96.0.10",clusterIPs=["10.96.0.11"]),dict(clusterIPs=["10.96.0.11"]),dict(clusterIP="",clusterIPs=["None"]),dict(clusterIP="None",clusterIPs=["None","10.96.0.1"]),dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","None"]),
dict(clusterIP="x"),dict(clusterIP="10.96.0.010"),dict(clusterIP="::ffff:10.96.0.1"),dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","fd00:10:96::1"]),dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","10.96.0.2"]),
dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","fd00:10:96::1","10.96.0.3"]),dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","10.96.0.3","10.96.0.4"]),dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1",""]),dict(clusterIP="fd00:10:96::1",ipFamilies=["IPv4"]),dict(clusterIP="10.96.0.1",ipFamilies=["IPv6"]),
dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","fd00:10:96::1"],ipFamilies=["IPv6","IPv4"],ipFamilyPolicy="RequireDualStack"),dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","fd00:10:96::1"],ipFamilies=["IPv4","IPv6"],ipFamilyPolicy="RequireDualStack"),
dict(clusterIP="10.96.0.1",clusterIPs=["10.96.0.1","fd00:10:96::1"],ipFamilies=["IPv4","IPv6"],ipFamilyPolicy="SingleStack"),dict(ipFamilies=["IPv4","IPv6"]),dict(ipFamilies=["IPv4","IPv4"]),dict(ipFamilies=["IPV4"]),dict(ipFamilies=["IPv4","IPv5"]),dict(ipFamilies=["x","x"]),dict(ipFamilyPolicy="Dual"),dict(ipFamilyPolicy=""),dict(ipFamilyPolicy="PreferDualStack"),
dict(clusterIP="None",ipFamilies=["IPv6"]),dict(clusterIP="none"),dict(clusterIP="None",selector={"a":"b"},ipFamilies=["IPv4","IPv6"]),dict(clusterIP="FD00:10:96::A"),dict(clusterIP="10.96.0.1 "),dict(clusterIP="fe80::1%eth0"),dict(clusterIP="10.96.0.1",ipFamilies=["IPv4","IPv6","IPv4"],ipFamilyPolicy="PreferDualStack"),dict(clusterIP="1.2.3",ipFamilies=["y"],ipFamilyPolicy="z"),dict(clusterIP="None",ipFamilies=["IPv4","IPv6"],ipFamilyPolicy="SingleStack"),dict(clusterIPs=["x","y","z"])]
for i,c in enumerate(ci): svc(f"cluster-ip-{i}",s(**c))
# external ips
for i,e in enumerate(["203.0.113.5","x","","0.0.0.0","::","127.0.0.1","127.5.6.7","::1","169.254.1.1","fe80::1","febf::1","fec0::1","224.0.0.5","224.0.1.1","ff02::1","ff12::1","ff05::2","239.1.1.1","010.0.0.1","1.2.3.08","::ffff:203.0.113.5","::ffff:127.0.0.1","FD00::1","fd00:0::1","1.2.3.4/32"," 1.2.3.4","1.2.3.4.5","256.1.1.1","::1.2.3.4","::ffff:0:1","64:ff9b::01.2.3.4","255.255.255.255"]):
    svc(f"external-ip-{i}",s(externalIPs=[e]))
svc("external-ips-headless",s(clusterIP="None",externalIPs=["203.0.113.5"])); svc("external-ips-external-name",s(type="ExternalName",externalName="a.b",externalIPs=["203.0.113.5"])); svc("external-ips-two",s(externalIPs=["203.0.113.5","x","::1"]))
for i,t in enumerate(["clusterip","Loadbalancer","X","",  "LoadBalancer","NodePort","LoadBlancer"]): svc(f"type-{i}",s(type=t))
# node ports
for t in ["ClusterIP","NodePort","LoadBalancer","Foo"]:
    for i,n in enumerate([30080,80,32767,32768,29999,0,-1,70000]): svc(f"nodeport-{t}-{i}",{"type":t,"ports":[{"port":80,"nodePort":n}]})
N="NodePort"
ports("np-same",{"name":"a","port":80,"nodePort":30080},{"name":"b","port":81,"nodePort":30080},type=N)
ports("np-same-protocols",{"name":"a","port":80,"nodePort":30080},{"name":"b","port":80,"protocol":"UDP","nodePort":30080},type=N)
ports("np-same-protocols-other-port",{"name":"a","port":80,"nodePort":30080},{"name":"b","port":81,"protocol":"UDP","nodePort":30080},type=N)
ports("np-one-of-pair",{"name":"a","port":53},{"name":"b","port":53,"protocol":"UDP","nodePort":80},type=N)
ports("np-pair-differ",{"name":"a","port":53,"nodePort":30053},{"name":"b","port":53,"protocol":"UDP","nodePort":30054},type=N)
ports("np-pair-differ-bad",{"name":"a","port":53,"nodePort":30053},{"name":"b","port":53,"protocol":"UDP","nodePort":54},type=N)
ports("np-two-bad",{"name":"a","port":53,"nodePort":53},{"name":"b","port":54,"nodePort":54},type=N)
ports("np-lb-off",{"port":80,"nodePort":80},type="LoadBalancer",allocateLoadBalancerNodePorts=False)
ports("np-lb-off-none",{"port":80},type="LoadBalancer",allocateLoadBalancerNodePorts=False)
ports("np-three",{"name":"a","port":1,"nodePort":30001},{"name":"b","port":2,"nodePort":30001},{"name":"c","port":3,"nodePort":30001},type=N)
ports("np-shared-bad",{"name":"a","port":53,"nodePort":53},{"name":"b","port":53,"protocol":"UDP","nodePort":53},type=N)
ports("port-same",{"name":"a","port":80},{"name":"b","port":80}); ports("port-same-udp",{"name":"a","port":80},{"name":"b","port":80,"protocol":"UDP"}); ports("port-same-thrice",{"name":"a","port":80,"appProtocol":"x"},{"name":"b","port":80},{"name":"c","port":80})
# source ranges
LB="LoadBalancer"
for t in [LB,"ClusterIP"]:
    for i,r in enumerate([["10.0.0.0/8"],["x"],["10.0.0.1/8"],[" 10.0.0.0/8 "],["010.0.0.0/8"],["10.0.0.0/08"],["::ffff:10.0.0.0/104"],["::ffff:10.0.0.0/90"],["10.0.0.0"],["10.0.0.0/33"],["fd00::/8","FD00::1/64"],["","x"],["1.2.3.4/0"],["0.0.0.0/0"],["::/0"],["fd00::1/129"],["10.0.0.0/+8"],["\u00a010.0.0.0/8\u0085"],["\ufeff10.0.0.0/8"],["10.0.0.0/8,11.0.0.0/8"]]):
        svc(f"ranges-{t}-{i}",s(type=t,loadBalancerSourceRanges=r))
    for i,r in enumerate(["10.0.0.0/8"," 10.0.0.0/8 , 11.0.0.0/8 ","","  ","x","10.0.0.0/8,","10.0.0.1/8,y",","]):
        svc(f"ranges-annotation-{t}-{i}",s(type=t),{"annotations":{SR:r}})
svc("ranges-both",s(type=LB,loadBalancerSourceRanges=["10.0.0.0/8"]),{"annotations":{SR:"x"}})
for t in ["ClusterIP","NodePort",LB,"ExternalName"]:
    svc(f"allocate-{t}",s(type=t,allocateLoadBalancerNodePorts=True,externalName="a.b"))
    svc(f"class-{t}",s(type=t,loadBalancerClass="example.com/lb",externalName="a.b"))
    svc(f"class-bad-{t}",s(type=t,loadBalancerClass="a b",externalName="a.b"))
    for i,p in enumerate(["Local","Cluster","local","Foo",""]): svc(f"etp-{t}-{i}",s(type=t,externalTrafficPolicy=p,externalName="a.b"))
    svc(f"etp-externalip-{t}",s(type=t,externalTrafficPolicy="Local",externalIPs=["203.0.113.9"],externalName="a.b"))
    for i,p in enumerate(["Local","Cluster","local",""]): svc(f"itp-{t}-{i}",s(type=t,internalTrafficPolicy=p,externalName="a.b"))
    for i,h in enumerate([30099,80,70000,-1]):
        svc(f"hcnp-{t}-{i}",s(type=t,healthCheckNodePort=h,externalName="a.b")); 
        svc(f"hcnp-local-{t}-{i}",s(type=t,healthCheckNodePort=h,externalTrafficPolicy="Local",externalName="a.b"))
ports("hcnp-taken",{"port":80,"nodePort":30099},type=LB,externalTrafficPolicy="Local",healthCheckNodePort=30099)
for i,t in enumerate(["PreferClose","PreferSameZone","PreferSameNode","preferclose","","X<y>"]): svc(f"distribution-{i}",s(trafficDistribution=t))
# warnings
svc("w-lbip-headless",s(clusterIP="None",loadBalancerIP="1.2.3.4")); svc("w-affinity-headless",s(clusterIP="None",sessionAffinity="ClientIP")); svc("w-lbip",s(type=LB,loadBalancerIP="FD00::0001")); svc("w-lbip-zero",s(type=LB,loadBalancerIP="1.2.3.04")); svc("w-externalname",s(externalName="a.b")); svc("w-lbip-bad",s(type=LB,loadBalancerIP="x")); svc("w-clusterip",s(clusterIP="FD00:10:96:0::5")); svc("w-all",s(clusterIP="None",loadBalancerIP="::FFFF:1.2.3.4",externalIPs=["FD00::0:1"],sessionAffinity="ClientIP",externalName="x",trafficDistribution="PreferClose"),{"annotations":{TH:"Auto"}})
svc("w-ranges",s(type=LB,loadBalancerSourceRanges=["FD00::/8","10.0.0.0/8"]))
for i, r in enumerate([["fd00::1/64"], ["fd00:0::1/64"], ["10.0.0.1/08"], ["::ffff:10.0.0.1/104"], ["::ffff:10.0.0.0/90"], ["FD00::/064"], ["1.2.3.4/32", "fd00::1/128"]]):
    svc(f"w-network-{i}", s(type=LB, loadBalancerSourceRanges=r))
# status
for i,g in enumerate([[{"ip":"1.2.3.4"}],[{"ip":"x"}],[{"ip":"1.2.3.4","ipMode":"Proxy"}],[{"ip":"1.2.3.4","ipMode":"proxy"}],[{"ipMode":"VIP"}],[{"hostname":"a.b"}],[{"hostname":"A_b"}],[{"hostname":"1.2.3.4"}],[{"hostname":"a","ip":"::1"},{"ip":"01.2.3.4","ipMode":"X"}],[{}]]):
    svc(f"status-{i}",s(type=LB),status={"loadBalancer":{"ingress":g}}); 
svc("status-np",s(type=N),status={"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}})
svc("no-spec"); del out[-1]["object"]["spec"]
# pairs of faults
frag=[("name",{"m":{"name":"W"}}),("ns",{"m":{"namespace":""}}),("label",{"m":{"labels":{"a b":"c d"}}}),("topo",{"m":{"annotations":{TM:"a",TH:"b"}}}),("ports",{"s":{"ports":[{"port":0,"protocol":"X"},{"port":0,"targetPort":"-","name":"A"}]}}),("sel",{"s":{"selector":{"x":"-"}}}),("aff",{"s":{"sessionAffinity":"y"}}),("fam",{"s":{"ipFamilies":["a"],"ipFamilyPolicy":"b"}}),("eip",{"s":{"externalIPs":["::1"]}}),("type",{"s":{"type":"Z"}}),("np",{"s":{"ports":[{"name":"a","port":80,"nodePort":30001},{"name":"b","port":80,"nodePort":30001}]}}),("ranges",{"s":{"loadBalancerSourceRanges":["q"]}}),("alloc",{"s":{"allocateLoadBalancerNodePorts":False}}),("class",{"s":{"loadBalancerClass":"a b"}}),("etp",{"s":{"externalTrafficPolicy":"bad"}}),("hc",{"s":{"healthCheckNodePort":99}}),("itp",{"s":{"internalTrafficPolicy":"bad"}}),("dist",{"s":{"trafficDistribution":"bad"}}),("extn",{"s":{"type":"ExternalName"}}),("none",{"s":{"clusterIP":"None","type":"NodePort"}}),("lb",{"s":{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":7}})]
for i in range(len(frag)):
    for j in range(i+1,len(frag)):
        m={};sp={"ports":P}
        for f in (frag[i][1],frag[j][1]):
            m.update(f.get("m",{})); sp.update(f.get("s",{}))
        svc(f"pair-{frag[i][0]}-{frag[j][0]}",sp,m)
m={};sp={"ports":P}
for _,f in frag[:18]: m.update(f.get("m",{})); sp.update(f.get("s",{}))
svc("many",sp,m)
# EndpointSlice
def sl(id,meta=None,**k):
    o={"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"web-abc","namespace":"shop",**(meta or {})},"addressType":"IPv4","endpoints":[{"addresses":["10.244.0.5"]}],"ports":[{"name":"http","port":80}]}
    o.update(k); o={a:b for a,b in o.items() if b is not None}; emit("EndpointSlice",id,o)
sl("plain"); sl("no-type",addressType=None); sl("type-empty",addressType=""); sl("type-bad",addressType="ipv4"); sl("type-html",addressType="<IP>")
for i,n in enumerate(["Web","web.shop","a_b",""]): sl(f"name-{i}",{"name":n})
sl("ns-bad",{"namespace":"A"}); sl("labels-bad",{"labels":{"kubernetes.io/service-name":"a b"}})
for ty in ["IPv4","IPv6","FQDN","X"]:
    for i,a in enumerate(["10.244.0.5","fd00::5","FD00::5","fd00:0::5","x","","127.0.0.1","::1","0.0.0.0","::","169.254.0.9","fe80::9","224.0.0.1","ff02::9","010.1.1.1","::ffff:10.0.0.1","example.com","example.com.","example","a..b","A.b","example.com..","x"*64+".com",".","fd00::1.2.3.4","fd00::01.2.3.4"]): sl(f"address-{ty}-{i}",addressType=ty,endpoints=[{"addresses":[a]}])
sl("addresses-none",endpoints=[{"addresses":[]},{"addresses":["10.0.0.1"]},{}]); sl("addresses-many",endpoints=[{"addresses":[f"10.0.{i}.1" for i in range(101)]}]); sl("addresses-100",endpoints=[{"addresses":[f"10.0.{i}.1" for i in range(100)]}]); sl("addresses-two",endpoints=[{"addresses":["10.0.0.1","fd00::1"]}])
sl("no-endpoints",endpoints=None); sl("no-ports",ports=None); sl("endpoints-1001",endpoints=[{"addresses":["10.0.0.1"]}]*1000+[{"addresses":[]}])
sl("ports-names",ports=[{"name":"a","port":1},{"name":"a","port":2}]); sl("ports-unnamed",ports=[{"port":1},{"port":2}]); sl("ports-empty",ports=[{}]); sl("ports-bad",ports=[{"name":"A.b","port":0,"protocol":"tcp","appProtocol":"a b"}]); sl("ports-proto-empty",ports=[{"name":"a","protocol":"","port":1}]); sl("ports-range",ports=[{"name":"a","port":99999}]); sl("ports-html-dup",ports=[{"name":"<","port":1},{"name":"<","port":2}])
ep=lambda **k:[{"addresses":["10.0.0.1"],**k}]
for i,n in enumerate(["node-a","Node","a_b","","a.b"]): sl(f"node-{i}",endpoints=ep(nodeName=n)); sl(f"hostname-{i}",endpoints=ep(hostname=n))
sl("hints-zones",endpoints=ep(hints={"forZones":[{"name":"a"},{"name":"a"},{"name":"b c"}]})); sl("hints-nodes",endpoints=ep(hints={"forNodes":[{"name":"n"},{"name":"n"},{"name":"N"}]})); sl("hints-many",endpoints=ep(hints={"forZones":[{"name":f"z{i}"} for i in range(9)],"forNodes":[{"name":"N"}]})); sl("hints-many-nodes",endpoints=ep(hints={"forZones":[{"name":"-"}],"forNodes":[{"name":f"n{i}"} for i in range(9)]})); sl("hints-empty-zone",endpoints=ep(hints={"forZones":[{}]}))
sl("conditions",endpoints=ep(conditions={"ready":False,"serving":True,"terminating":True},zone="a b"))
sl("all-bad",{"name":"X"},addressType="Y",endpoints=[{"addresses":[],"nodeName":"N","hostname":"H"}],ports=[{"name":"P","protocol":"q"}])
sl("v4-all-bad",{"name":"X"},endpoints=[{"addresses":["x","::1","127.0.0.1"],"nodeName":"N","hostname":"H","hints":{"forZones":[{"name":"!"}]}},{}],ports=[{"name":"P","protocol":"q"}])
# Endpoints
def ends(id,subsets,meta=None): emit("Endpoints",id,{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"web","namespace":"shop",**(meta or {})},**({"subsets":subsets} if subsets is not None else {})})
A=[{"ip":"10.0.0.1"}]
ends("plain",[{"addresses":A,"ports":[{"port":80}]}]); ends("none",None); ends("empty",[{}]); ends("empty-ports",[{"ports":[{"port":0}]}]); ends("name",[{"addresses":A}],{"name":"A"}); ends("notready",[{"notReadyAddresses":A}])
for i,a in enumerate(["10.0.0.1","x","","127.0.0.1","::1","0.0.0.0","fe80::1","01.2.3.4","::ffff:1.2.3.4","::ffff:127.0.0.1","224.0.0.9","fd00::1","FD00::1"]): ends(f"ip-{i}",[{"addresses":[{"ip":a}],"ports":[{"port":80}]}]); ends(f"notready-ip-{i}",[{"notReadyAddresses":[{"ip":a}]}])
ends("host",[{"addresses":[{"ip":"x","hostname":"A.b","nodeName":"N_"}]}]); ends("node-empty",[{"addresses":[{"ip":"10.0.0.1","nodeName":""}]}])
ends("ports",[{"addresses":A,"ports":[{"port":80},{"port":81,"name":"A"}]}]); ends("ports2",[{"addresses":A,"ports":[{"port":70000,"protocol":"X","appProtocol":"a b","name":"a.b"}]}]); ends("ports-same",[{"addresses":A,"ports":[{"port":80,"name":"a"},{"port":80,"name":"a"}]}]); ends("two",[{"addresses":A},{},{"addresses":[{"ip":"y"}],"ports":[{}]}])
# Node
def node(id,spec=None,meta=None): emit("Node",id,{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-a",**(meta or {})},**({"spec":spec} if spec is not None else {})})
node("plain"); node("name",meta={"name":"Node_A"}); node("ns",meta={"namespace":"x"}); node("label",meta={"labels":{"a b":"c"}}); node("name-empty",meta={"name":""})
for i,c in enumerate([["10.244.0.0/24"],["x"],["10.244.0.1/24"],["10.244.0.0/24","fd00::/64"],["10.244.0.0/24","10.245.0.0/24"],["10.244.0.0/24","x"],["x","y"],["10.244.0.0/24","fd00::/64","10.9.0.0/24"],["010.0.0.0/8"],["::ffff:10.0.0.0/104"],["10.0.0.0/24","fd00::1/64"],[""]]):
    node(f"cidrs-{i}",{"podCIDR":c[0],"podCIDRs":c}); 
node("cidr-lone",{"podCIDR":"x"}); node("cidr-lone-ok",{"podCIDR":"10.0.0.0/24"}); node("cidrs-differ",{"podCIDR":"10.0.0.0/24","podCIDRs":["10.1.0.0/24"]}); node("cidrs-differ-bad",{"podCIDR":"x","podCIDRs":["10.1.0.0/24","fd00::/64"]}); node("cidrs-differ-good",{"podCIDR":"10.0.0.0/24","podCIDRs":["x","y"]}); node("cidrs-only",{"podCIDRs":["10.1.0.0/24"]})
# config
def cfg(id,**k): emit("KubeProxyConfiguration",id,{"apiVersion":"kubeproxy.config.k8s.io/v1alpha1","kind":"KubeProxyConfiguration",**k})
cfg("empty")
for m in ["","iptables","ipvs","nftables","userspace","kernelspace","IPTables"]: cfg(f"mode-{m or 'empty'}",mode=m)
for m in ["iptables","ipvs","nftables"]:
    for b in [-1,0,31,32]: cfg(f"bit-{m}-{b}",mode=m,iptables={"masqueradeBit":b},nftables={"masqueradeBit":31-b})
    cfg(f"masq-{m}",mode=m,iptables={"masqueradeAll":True}); cfg(f"masq-nft-{m}",mode=m,nftables={"masqueradeAll":True})
    for i,(a,b) in enumerate([("10s","1s"),("-1s","1s"),("1s","2s"),("0s","0s"),("10s","-1s"),("","")]):
        if a=="" : continue
        cfg(f"sync-{m}-{i}",mode=m,iptables={"syncPeriod":a,"minSyncPeriod":b},ipvs={"syncPeriod":a,"minSyncPeriod":b},nftables={"syncPeriod":a,"minSyncPeriod":b})
    cfg(f"npa-{m}",mode=m); 
for i,d in enumerate(["5m","1h30m","1.5h","100ms","1us","1µs","1μs","1ns","-0","0","+5s","2562047h47m16.854775807s","0.5ns","1h1m1.000000001s","-1.5h","00005s",".5s","5.s","1e3s"," 5s","5","s","5x","5ss","1h-5s","99999999999h","9223372036854775808ns","-9223372036854775808ns",".s","1..5s","é5s","5é","\"","3\ns","1d","9223372036854775807ns","0.3333333333333333333333333h","720h0.123456789123s"]): cfg(f"duration-{i}",configSyncPeriod=d)
for f in ["tcpEstablishedTimeout","tcpCloseWaitTimeout","udpTimeout","udpStreamTimeout"]:
    for d in ["0s","-1s","2m"]: cfg(f"conntrack-{f}-{d}",conntrack={f:d})
for f in ["maxPerCore","min"]:
    for d in [-1,0,5]: cfg(f"conntrack-{f}-{d}",conntrack={f:d})
cfg("liberal",conntrack={"tcpBeLiberal":True})
for d in [-1001,-1000,1000,1001,0]: cfg(f"oom-{d}",oomScoreAdj=d)
for f in ["tcpTimeout","tcpFinTimeout","udpTimeout"]:
    for m in ["ipvs","iptables"]:
        for d in ["-1s","5s"]: cfg(f"ipvs-{f}-{m}-{d}",mode=m,ipvs={f:d})
cfg("ipvs-exclude",mode="ipvs",ipvs={"excludeCIDRs":["10.0.0.0/8","x","fd00::/8","1.2.3.4"],"scheduler":"lc","strictARP":True}); cfg("ipvs-exclude-iptables",ipvs={"excludeCIDRs":["x"],"scheduler":"nope"})
for i,a in enumerate(["0.0.0.0","::","192.0.2.1","fd00::1","x","010.0.0.1","::ffff:1.2.3.4","","1.2.3.4:80"]): cfg(f"bind-{i}",bindAddress=a)
for i,a in enumerate(["0.0.0.0","0.0.0.0:80","[::]:80","::","[::]","::1:80","x:80","localhost:80",":80","1.2.3.4:","1.2.3.4:0","1.2.3.4:65536","1.2.3.4:http","1.2.3.4:+80","1.2.3.4:-80","1.2.3.4:080","[1.2.3.4]:80","[::1]]:80","[[::1]:80","x","a:b:c","[::1]x:80","[::1","1.2.3.4:99999999999999999999","[fe80::1%eth0]:80","1.2.3.4:80]"]): cfg(f"healthz-{i}",healthzBindAddress=a); cfg(f"metrics-{i}",metricsBindAddress=a)
for i,a in enumerate([["primary"],["all"],["localhost"],["primary","all","localhost"],["primary","primary"],["10.0.0.0/8","primary","fd00::/8"],["x"],["10.0.0.1"],["Primary"],["10.0.0.0/8","10.0.0.0/8"],["10.0.0.1/8"],["010.0.0.0/8"],[""],["all","x","all","1.2.3.4/33"],["<a>"]]):
    cfg(f"addresses-{i}",nodePortAddresses=a); cfg(f"addresses-nft-{i}",mode="nftables",nodePortAddresses=a)
for i,v in enumerate(["1.36","1.37","1.35","x","2"]): cfg(f"hidden-{i}",showHiddenMetricsForVersion=v)
for m in ["ClusterCIDR","NodeCIDR","BridgeInterface","InterfaceNamePrefix","clustercidr","","<x>"]:
    cfg(f"local-{m or 'empty'}",detectLocalMode=m); cfg(f"local-set-{m or 'empty'}",detectLocalMode=m,detectLocal={"bridgeInterface":"br0","interfaceNamePrefix":"veth"},clusterCIDR="x")
for i,c in enumerate(["10.0.0.0/8","10.0.0.0/8,fd00::/8","10.0.0.0/8,11.0.0.0/8","x","10.0.0.0/8,x","x,y","a,b,c","10.0.0.0/8,","10.0.0.0/8, fd00::/8","10.0.0.1/8","::ffff:1.2.3.4/100,10.0.0.0/8","fd00::/8,10.0.0.0/8,11.0.0.0/8","<,10.0.0.0/8"]): cfg(f"cidr-{i}",clusterCIDR=c)
for i,h in enumerate(["Node-A"," node-b ","  ","\tX\n","node.example.com","\ufeff","\u0085a"]): cfg(f"host-{i}",hostnameOverride=h)
for i,g in enumerate([{"AllowServiceExternalIPs":False},{"PreferSameTrafficDistribution":False},{"PreferSameTrafficDistribution":True},{"X":True},{"<x>":False},{"KubeProxyIPVS":False},{"KubeProxyNFTablesLocalhostNodePorts":True},{"NFTablesProxyMode":False},{"AllAlpha":True},{"TopologyAwareHints":True}]): cfg(f"gates-{i}",featureGates=g); cfg(f"gates-ipvs-{i}",featureGates=g,mode="ipvs")
cfg("many",mode="q",bindAddress="b",healthzBindAddress="h",metricsBindAddress="m",featureGates={"Zed":True},iptables={"masqueradeBit":99,"syncPeriod":"-5s","minSyncPeriod":"-1s"},conntrack={"maxPerCore":-1,"min":-2,"tcpEstablishedTimeout":"-1s","tcpCloseWaitTimeout":"-2s","udpTimeout":"-3s","udpStreamTimeout":"-4s"},oomScoreAdj=5000,configSyncPeriod="-1ns",nodePortAddresses=["p","all","all"],showHiddenMetricsForVersion="9",detectLocalMode="d")
cfg("many-ipvs",mode="ipvs",ipvs={"tcpTimeout":"-1s","tcpFinTimeout":"-1h2m","udpTimeout":"-1ms","excludeCIDRs":["z"],"syncPeriod":"-1us"},detectLocalMode="BridgeInterface",clusterCIDR="zz")
def flags(id,*a): out.append({"id":"flags/"+id,"kind":"flags","args":list(a)})
for i,a in enumerate([["--cluster-cidr=10.0.0.0/8,fd00::/8"],["--proxy-mode=ipvs","--ipvs-sync-period=5s","--ipvs-min-sync-period=2s","--iptables-sync-period=7s"],["--proxy-mode=nftables","--iptables-sync-period=7s","--masquerade-all","--iptables-min-sync-period=3s"],["--iptables-masquerade-bit=0x0f"],["--iptables-masquerade-bit=x"],["--iptables-masquerade-bit=017"],["--iptables-masquerade-bit=32"],["--iptables-masquerade-bit=99999999999"],["--iptables-localhost-nodeports=false"],["--iptables-localhost-nodeports=no"],["--nodeport-addresses=primary,10.0.0.0/8"],["--nodeport-addresses=x"],["--detect-local-mode=BridgeInterface","--pod-bridge-interface=br0"],["--detect-local-mode=InterfaceNamePrefix"],["--hostname-override= Node-A "],["--hostname-override=  "],["--bind-address=x"],["--bind-address=fd00::1"],["--healthz-bind-address=1.2.3.4"],["--healthz-bind-address=q:1"],["--metrics-bind-address=[::1]:70000"],["--feature-gates=AllowServiceExternalIPs=false,KubeProxyIPVS=true"],["--feature-gates=A"],["--feature-gates=AllowServiceExternalIPs=maybe"],["--conntrack-max-per-core=0","--conntrack-min=-1","--conntrack-tcp-timeout-established=0s","--conntrack-udp-timeout=30s","--conntrack-udp-timeout-stream=180s","--conntrack-tcp-timeout-close-wait=5m","--conntrack-tcp-be-liberal=true"],["--conntrack-udp-timeout=5x"],["--ipvs-scheduler=lc","--ipvs-exclude-cidrs=10.0.0.0/8,x","--ipvs-strict-arp","--ipvs-tcp-timeout=1s","--ipvs-tcpfin-timeout=2s","--ipvs-udp-timeout=3s","--proxy-mode=ipvs","--ipvs-min-sync-period=1s"],["--config-sync-period=1m"],["--config-sync-period=0"],["--iptables-sync-period=0s"],["--oom-score-adj=-5"],["--profiling"],["--show-hidden-metrics-for-version=1.36"],["--masquerade-all=true"],["--proxy-mode=nftables","--nodeport-addresses=all"],["--masquerade-all=T"],["--proxy-mode=bogus"],["--iptables-masquerade-bit=1_4"],["--iptables-masquerade-bit=0b1_0"],["--bind-address-hard-fail"]]): flags(str(i),*a)
for o in out:
    print(json.dumps(o, ensure_ascii=False))
