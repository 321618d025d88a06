/* An extension module for any Python 3, declared without its headers: those are for one architecture each.
   Its answer comes from a library that comes from another. */

typedef __INTPTR_TYPE__ Py_ssize_t; /* PEP 353 */
typedef struct PyObject PyObject;
typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);

typedef struct {
    const char *name;
    PyCFunction function;
    int flags;
    const char *doc;
} PyMethodDef;

typedef struct {
    Py_ssize_t reference_count;
    void *type;
    void *init;
    Py_ssize_t index;
    PyObject *copy;
    const char *name;
    const char *doc;
    Py_ssize_t size;
    PyMethodDef *methods;
    void *slots, *traverse, *clear, *free;
} PyModuleDef;

extern PyObject *PyLong_FromLong(long);
extern PyObject *PyModule_Create2(PyModuleDef *, int);
extern int near_answer(void);

static PyObject *answer(PyObject *module, PyObject *arguments) {
    (void)module, (void)arguments;
    return PyLong_FromLong(near_answer());
}

static PyMethodDef methods[] = {{"answer", answer, 4 /* METH_NOARGS */, 0}, {0, 0, 0, 0}};
static PyModuleDef definition = {1, 0, 0, 0, 0, "module", 0, -1, methods, 0, 0, 0, 0};

PyObject *PyInit_module(void) { return PyModule_Create2(&definition, 1013 /* PYTHON_API_VERSION */); }
