"""A stand-in for a machine of EMR's in build/cluster: Python, plain pyspark, Delta 4.0.0, S3A, and no lakemill.

`make test-s3` runs what is submitted on it. emr-spark-8.0.0 has Spark 4.0.2 and Delta 4.0.0; its S3 client is S3A.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setup import HERE, LINES, SetupError, fetch_jar, find_java, java_needed, output, say

CLUSTER = HERE / "build" / "cluster"
DELTA = {
    "io/delta/delta-spark_2.13/4.0.0/delta-spark_2.13-4.0.0.jar": (
        "538511702aae0ef6973a6a70af3d4543c9009f8edbed786a00737e2d3cd7f04e"
    ),
    "io/delta/delta-storage/4.0.0/delta-storage-4.0.0.jar": (
        "9bdb9fb450f1e119eba53feb427f331b0d09072d26485b8273883ad72c9a2e1d"
    ),
}
S3A = {
    "org/apache/hadoop/hadoop-aws/3.4.1/hadoop-aws-3.4.1.jar": (
        "01334a07e179cae2b7e251f24857f11e3759108c9d6a79dcbe362a4295227da2"
    ),
    "org/reactivestreams/reactive-streams/1.0.4/reactive-streams-1.0.4.jar": (
        "f75ca597789b3dac58f61857b9ac2e1034a68fa672db35055a8fb4509e325f28"
    ),
    "software/amazon/eventstream/eventstream/1.0.1/eventstream-1.0.1.jar": (
        "0c37d8e696117f02c302191b8110b0d0eb20fa412fce34c3a269ec73c16ce822"
    ),
}
# What s3-transfer-manager and sts need of the SDK: 9 MB instead of the 558 MB of its bundle.
SDK_VERSION = "2.25.53"
SDK = """
annotations              02a41169af5a8a7200cf3e6f24d7ed741dcc342cc8a157d91d364092d374655c
apache-client            eb4825d0ab7a1b38a155f40062ea1f54fed62541bd58e02de800067d5db52e50
arns                     9b43fea45ca019e58fed7a674bec76cc0e00efcfe71fbd8679f45654e8405c77
auth                     88fe05468c514a053e835682d2dc0af8970c1a3708c0328b8e4f57dd0b4403a2
aws-core                 2c347bb3de606ede61ade1cc4d5636337ddb890e9ca653ca2d0900372677b5b2
aws-query-protocol       f2ed07a0f5e5a04b30efd764f9c9096d4344006d94b4a910ee7b585c3d7035e1
aws-xml-protocol         c11d5c7e71d27370e8f9b06b6e504e893adaae5621b3bb6bb1c8c88368936c4d
checksums-spi            a50f5e5173fe9f61dca87c79842f68947cde33ad44ba1d0b786b5b1cb0bdccd9
checksums                09b1b06495c8f9afc570618f059b4c53b4de8ee341fd04faf0e5271133ffc6bf
crt-core                 7f3be3fdefd6857c057d109ae5192604a10e47fe13aadee6691c0a92fc6b2515
endpoints-spi            3a1163424db2f4d52f2f0127731a80354dd846a35bb711758d9480bbf8788197
http-auth-aws            fb94551335410ecfdd0e0b9a35e4458873e349fc49078cbe6e9cdaca20dff3f8
http-auth-spi            16211871156be3da53593d1e0aeb8a8a91b688d86b87d636576932f8147d5ba4
http-auth                1aa08c6c28314d5f375bdf45caff114c84d6ad4e39f22bd7685b64452137aa6a
http-client-spi          2c4ab7f914406186c5e24715bde6765836f601d73961a6fb67f810bb6310b8b0
identity-spi             2f19bdc656a71aed696606c026b916df371e8a17956e8cd30b762e069bf7ca13
json-utils               9e9bbc4b445caaeaf537c4f684777688f83f363b9e432288f447342f0f157129
metrics-spi              5951b866805f899ef52597a3430cf8126fe2ec36a2b5941799c760a984e57571
netty-nio-client         bdf2b09b5f5118ee8ab81991996e101669888828a3a6c038accc897a010c717c
profiles                 281e95c4e51afce32a1964c216eed2832e95be7b713d713a3b1b3c3bc1e52f92
protocol-core            8b55ef783d9758ccfcbdf86616c0693337b99e990b75dc6fdbf9ed85ede41e39
regions                  c436ef3c138d48705932e8a6c82dbdd4b3c1f29841209a1c872a695fef50a423
s3-transfer-manager      2b51137613763e39de35fea6519dc9d871915c9e4d5190be2b8ad71537c4b4ec
s3                       1effdd9cfcdc12a46fbe8becb198be45becccfeafef86201b684f37a3991f261
sdk-core                 d606f6838478c61be2c9e4ef99b78a5e5baa6045e51fd657412a612f293f9969
sts                      4da3245415bd2141442dad021bc55b75cd48373bb6b250914720dc67f3051c67
third-party-jackson-core e4635cb3db754ed2431fc7a5065eb52cee385ee228f1470eb5065ecb90902e55
utils                    051786beb01d2a742dd18f1160361e76b7e5069cf1156bc206af7dd9f9fd12b8
"""


def main() -> int:
    """Make it, or what is missing of it; 1 and one paragraph where it cannot be made."""
    try:
        java = find_java()
        if not java:
            raise SetupError(f"{java_needed({})} is needed. Install it, then run again.")
        pyspark = make_python()
        for path, digest in (S3A | sdk()).items():
            fetch_jar(path, digest, pyspark / "jars")
        delta = CLUSTER / "delta"
        delta.mkdir(exist_ok=True)
        for path, digest in DELTA.items():
            fetch_jar(path, digest, delta)
        (pyspark / "conf").mkdir(exist_ok=True)
        (pyspark / "conf" / "spark-env.sh").write_text(f'export JAVA_HOME="{java}"\n')
    except SetupError as wrong:
        print(f"cluster: {wrong}", file=sys.stderr)
        return 1
    return 0


def sdk() -> dict[str, str]:
    """The SDK's jars and their digests."""
    rows = (line.split() for line in SDK.strip().splitlines())
    at = f"software/amazon/awssdk/{{}}/{SDK_VERSION}/{{}}-{SDK_VERSION}.jar"
    return {at.format(name, name): digest for name, digest in rows}


def make_python() -> Path:
    """An environment that has pyspark and py4j and nothing else; where its pyspark is."""
    script = "import pyspark, py4j; print(pyspark.__version__, pyspark.__path__[0], py4j.__path__[0])"
    version, *installed = output([str(LINES["A"].python), "-c", script]).split()
    site = CLUSTER / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    complete = site / f"complete-{version}"
    if not complete.exists():
        say("a stand-in for EMR in build/cluster")
        shutil.rmtree(CLUSTER, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(CLUSTER)], check=True)
        for package in map(Path, installed):
            # Links, for pyspark has 400 MB; without the Delta and the settings that set-up put there.
            leave = shutil.ignore_patterns("delta-*.jar", "conf", "*.part")
            shutil.copytree(package, site / package.name, copy_function=os.link, ignore=leave)
        complete.touch()
    return site / "pyspark"


if __name__ == "__main__":
    sys.exit(main())
